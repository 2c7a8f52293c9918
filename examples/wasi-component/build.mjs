// Builds guest.wasm from guest.js: `npm install @bytecodealliance/componentize-js@0.23 && node build.mjs`.
import { readFile, writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const source = (name) => readFile(new URL(name, import.meta.url), "utf8");
const { component } = await componentize(await source("guest.js"), await source("guest.wit"), { worldName: "guest" });
await writeFile(new URL("guest.wasm", import.meta.url), component);
