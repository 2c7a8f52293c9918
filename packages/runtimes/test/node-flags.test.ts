import { expect, test } from "vitest";
import { run } from "./support/application.js";
import { expectSuccess, servers, target } from "./support/targets.js";

const major = Number(process.versions.node.split(".")[0]);

/** Node.js 24 and later restrict the network, too. */
const permissions =
  major < 24 ? ["--experimental-permission", "--allow-fs-read=*"] : ["--permission", "--allow-fs-read=*"];

const flags: readonly (readonly string[])[] = [
  ["--frozen-intrinsics"],
  ["--disallow-code-generation-from-strings"],
  ["--disable-proto=throw"],
  ["--disable-proto=delete"],
  ["--enable-source-maps"],
  ["--throw-deprecation", "--pending-deprecation", "--disable-warning=NodeVersionSupportWarning"],
  ["--unhandled-rejections=strict", "--zero-fill-buffers", "--no-addons"],
  [...permissions, ...(process.allowedNodeEnvironmentFlags.has("--allow-net") ? ["--allow-net"] : [])],
];

test.each(flags.map((each) => each.join(" ")))("a program with %s", async (each) => {
  const targets = [...servers.map((backend) => target(backend)), target("memory")];
  const environment = { MANYKV_TARGETS: JSON.stringify(targets) };
  const ended = await run(process.execPath, [...each.split(" "), "walk.mjs"], environment);
  expectSuccess(ended);
  expect(ended.output).toMatch(/^walked$/m);
});
