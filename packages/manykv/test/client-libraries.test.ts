import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("./support/without-client.mjs", import.meta.url));
const clients = ["ioredis", "pg", "@aws-sdk/client-dynamodb"];

test.each([
  ["missing", /^unavailable false \S+ is not installed: (run `)?npm install \S+$/],
  ["broken", /^unavailable false \S+ cannot be loaded: import it in the program to see why$/],
])("a call on each backend whose client library is %s fails in the same way", (how, expected) => {
  const lines = execFileSync(process.execPath, [program, how]).toString().trimEnd().split("\n");
  expect(lines.map((line) => line.split(" ")[2])).toEqual(clients);
  for (const line of lines) expect(line).toMatch(expected);
});
