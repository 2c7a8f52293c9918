import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceUrl } from "@manykv/test-services/vitest";
import { buildCommand } from "@manykv/wasi-guests";
import { afterAll, beforeAll, expect, test } from "vitest";
import { example } from "./support/repository.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "manykv-example-"));
  await writeFile(join(folder, "guest.wasm"), await buildCommand());
});

afterAll(() => rm(folder, { recursive: true }));

test.each(["memory:", serviceUrl("redis")])("the example wasi-component runs on %s", async (url) => {
  expect(await example("wasi-component", join(folder, "guest.wasm"), url)).toBe("100 of 100 keys\nguest\n--verbose\n");
});
