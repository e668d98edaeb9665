// Starts the SQS server on the port that it is given, or a free one, prints its address and ends with its standard input.
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false, host: "127.0.0.1" });
console.log(await app.listen({ port: Number(process.argv[2] ?? 0), host: "127.0.0.1" }));
process.stdin.on("end", () => process.exit(0)).resume();
