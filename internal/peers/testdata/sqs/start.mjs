// Starts the SQS server on the port that it is given, or a free one, prints its address and ends with its standard input.
import { buildApp } from "fauxqs";
import { SqsStore } from "./node_modules/fauxqs/dist/sqs/sqsStore.js";

// With a host of its own it would name queues by names below that, which nothing resolves; so it names them by the address
// at which it is asked, as Amazon does.
const sqsStore = new SqsStore();
sqsStore.host = "";

const app = buildApp({ logger: false, stores: { sqsStore } });
console.log(await app.listen({ port: Number(process.argv[2] ?? 0), host: "127.0.0.1" }));
process.stdin.on("end", () => process.exit(0)).resume();
