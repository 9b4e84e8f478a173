// Loads a module of the source, which is TypeScript, into Node.

import { build } from "esbuild";
import { fileURLToPath } from "node:url";

export async function load(path) {
  const entry = fileURLToPath(new URL("../" + path, import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false, logLevel: "warning" });
  return import("data:text/javascript;base64," + Buffer.from(outputFiles[0].contents).toString("base64"));
}
