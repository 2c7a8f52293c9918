import { cpSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { describe, expect, test } from "vitest";
import { runCommand } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const backend = fileURLToPath(new URL("../support/backend/index.mjs", import.meta.url));
const store = `fruit+${serviceUrl("redis")}`;

describe("--backend", () => {
  test("opens URLs that manykv does not know, and the module receives the options", async () => {
    const bucket = randomName();
    const shared = ["--backend", backend, "--bucket", bucket];
    expect(await runCommand(["set", ...shared, "k", "v"], { store })).toMatchObject({ code: 0, stderr: "" });
    expect((await runCommand(["get", ...shared, "k"], { store })).stdout.toString()).toBe("v");
    // manykv's own backend sees the same data, so the module really opened the server.
    const own = ["--store", serviceUrl("redis"), "--bucket", bucket];
    expect((await runCommand(["list", ...own])).stdout.toString()).toBe("k\n");
    await runCommand(["clear", ...own, "--yes"]);
  });

  test("does not apply to manykv's own URLs", async () => {
    const { code } = await runCommand(["count", "--backend", backend], { store: "memory:" });
    expect(code).toBe(0);
  });

  test.each([
    ["./no-such-file.mjs", 4, "no such file"],
    ["no-such-package", 2, "no such package is installed where manykv is"],
  ])("%s is an error that says what to do", async (module, code, message) => {
    const ended = await runCommand(["count", "--backend", module], { store });
    expect(ended).toMatchObject({ code, stdout: expect.toSatisfy((text) => text.length === 0) });
    expect(ended.stderr).toContain(message);
  });

  test("a module that exports something else is an error that names the function", async () => {
    const empty = folder.file("empty.mjs", "export const store = 1;");
    const ended = await runCommand(["count", "--backend", empty], { store });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("must export a function openStore(url, options)");
  });

  test("an exception of the module has a stack and no password", async () => {
    const ended = await runCommand(["count", "--backend", backend], { store: "fruit://u:topsecret@host" });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("index.mjs:");
    expect(ended.stderr).not.toContain("topsecret");
    expect(ended.stderr).not.toContain("bug in manykv");
  });
});

test("a package that is named after the scheme and installed with manykv needs no option", async () => {
  const installed = folder.path("node_modules");
  const manykv = fileURLToPath(new URL("../..", import.meta.url));
  for (const name of ["dist", "package.json"])
    cpSync(join(manykv, name), join(installed, "manykv", name), { recursive: true });
  for (const name of readdirSync(join(manykv, "node_modules")))
    if (name !== ".bin") symlinkSync(join(manykv, "node_modules", name), join(installed, name));
  mkdirSync(join(installed, "manykv-backend-fruit"));
  cpSync(backend, join(installed, "manykv-backend-fruit", "index.mjs"));
  folder.file("node_modules/manykv-backend-fruit/package.json", '{"exports": "./index.mjs"}');
  const main = join(installed, "manykv", "dist", "command", "main.js");
  const { code, stdout } = await runCommand(["count"], { store: "fruit:memory", main });
  expect([code, stdout.toString()]).toEqual([0, "0\n"]);
});

test("the error for an unknown scheme says how to add a backend", async () => {
  const { code, stderr } = await runCommand(["count"], { store: "mysql+tls://u:topsecret@host/db" });
  expect(code).toBe(2);
  for (const text of ['unknown URL scheme "mysql+tls:"', "manykv-backend-mysql", "--backend MODULE", "`backends`"])
    expect(stderr).toContain(text);
  expect(stderr).not.toContain("topsecret");
});

test("conformance asks for the driver of another author's backend", async () => {
  const ended = await runCommand(["conformance", "fruit:memory"]);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain("pass a module that exports a harness");
});
