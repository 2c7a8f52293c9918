import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { buildForwarder } from "@manykv/wasi-guests";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitingFunctions } from "../src/shapes/functions.js";
import type { Shape } from "../src/shapes/shape.js";
import { cache, defaultMode, errorOf, type Guest, runnableShapes } from "./support/guest.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

beforeAll(() => {
  const module = new URL("support/memory-store.mjs", import.meta.url).href;
  process.env["MANYKV_WASI_STORES"] = `default=${module}  other=${module}`;
});

afterAll(() => {
  delete process.env["MANYKV_WASI_STORES"];
});

/** The module that a component of a shape imports. */
const modules: Record<Shape, string> = {
  draft: `${defaultMode}/draft`,
  "draft2-2024": `${defaultMode}/draft2-2024`,
  draft2: defaultMode,
  "wasmcloud-0.2": "jspi/wasmcloud",
};

/** Transpiles the forwarder as `jco transpile --map` does, and imports it. */
async function importGuest(shape: Shape): Promise<Guest> {
  const module = new URL(`../dist/${modules[shape]}.js`, import.meta.url).href;
  const prefix = shape === "wasmcloud-0.2" ? "wasmcloud:keyvalue" : "wasi:keyvalue";
  const names = ["get", "set", "get-many", "exists", "delete", "list-keys", "increment", "set-many", "delete-many"];
  const suspending = { asyncMode: "jspi" as const, asyncImports: waitingFunctions(shape), asyncExports: names };
  const { files } = await transpileBytes(await buildForwarder(shape), {
    name: "guest",
    map: { [`${prefix}/*`]: `${module}#*` },
    ...(defaultMode === "jspi" && shape !== "wasmcloud-0.2" && suspending),
  });
  const folder = join(cache, `mapped-${shape}`);
  for (const [name, content] of Object.entries({ ...files, "package.json": '{ "type": "module" }' })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return import(pathToFileURL(join(folder, "guest.js")).href);
}

test.each(runnableShapes)("the module for %s works with --map as it is", async (shape) => {
  const guest = await importGuest(shape);
  await guest.set("default", "k", bytes("1"));
  expect(await guest.get("default", "k")).toEqual(bytes("1"));
  expect((await guest.getMany("default", ["k"]))[0]).toEqual(["k", bytes("1")]);
  expect(await guest.exists("other", "k")).toBe(false);
  expect(await errorOf(() => guest.get("unlisted", "k"))).toEqual({ tag: "no-such-store" });
});
