// Builds the page into the given folder, reproducibly.
import * as esbuild from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join, resolve } from "node:path";

const out = resolve(process.argv[2] ?? "../dist");
process.chdir(fileURLToPath(new URL(".", import.meta.url)));
await mkdir(out, { recursive: true });
const options = {
  bundle: true, format: "esm", target: ["es2022"], minify: true, legalComments: "none", charset: "utf8", outdir: out, logLevel: "warning",
  // The components are loaded after consent. Each is a file of its own, which the page imports by its name.
  external: ["./daily.js", "./whereby.js", "./livekit.js"],
};
// daily-js puts the page's address into that of its frame. Ours is a secret of the room's guests, so Daily gets the origin only.
const secret = {
  name: "keep the page's address",
  setup: (build) => build.onLoad({ filter: /daily-js[\\/]dist[\\/]daily-esm\.js$/ }, async ({ path }) => {
    const parts = (await readFile(path, "utf8")).split("encodeURIComponent(window.location.href)");
    if (parts.length !== 2) throw new Error(`${path} uses the page's address in ${parts.length - 1} places`);
    return { contents: parts.join("encodeURIComponent(window.location.origin)"), loader: "js" };
  }),
};
await esbuild.build({ ...options, entryPoints: ["page.ts", "page.css"] });
const built = await esbuild.build({ ...options, plugins: [secret], entryPoints: ["daily.ts", "whereby.ts", "livekit.ts"], metafile: true });
await copyFile("index.html", join(out, "index.html"));

// The licences of everything that is in the files.
const packages = new Set();
for (const input of Object.keys(built.metafile.inputs)) {
  const at = input.lastIndexOf("node_modules/");
  if (at < 0) continue;
  const parts = input.slice(at + 13).split("/");
  const name = parts.slice(0, parts[0].startsWith("@") ? 2 : 1).join("/");
  packages.add(input.slice(0, at + 13) + name);
}
// These two contain their libraries in one file.
const within = async (folder) => {
  if (packages.has(folder)) return;
  packages.add(folder);
  const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  for (const name of Object.keys(about.dependencies ?? {})) await within("node_modules/" + name);
};
for (const name of ["@daily-co/daily-js", "livekit-client"]) {
  packages.delete("node_modules/" + name);
  await within("node_modules/" + name);
}
let text = "The join page contains these libraries.\n";
for (const folder of [...packages].sort()) {
  const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  let licence = "";
  for (const name of ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "license", "LICENSE-MIT"]) {
    try {
      licence = (await readFile(join(folder, name), "utf8")).replaceAll("\r\n", "\n").trimEnd();
      break;
    } catch (e) {
      if (e.code !== "ENOENT") throw e;
    }
  }
  text += `\n${"=".repeat(100)}\n${about.name} ${about.version}: ${about.license}\n\n${licence}\n`;
}
await writeFile(join(out, "licences.txt"), text);
