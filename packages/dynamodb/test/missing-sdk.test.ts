import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("without the SDK, the first attempt says what to install", async () => {
  const folder = await mkdtemp(join(tmpdir(), "manykv-dynamodb-"));
  try {
    const here = fileURLToPath(new URL("..", import.meta.url));
    await cp(join(here, "dist"), join(folder, "dist"), { recursive: true });
    await cp(join(here, "package.json"), join(folder, "package.json"));
    await mkdir(join(folder, "node_modules/@manykv"), { recursive: true });
    await symlink(fileURLToPath(new URL("../../core", import.meta.url)), join(folder, "node_modules/@manykv/core"));
    const url = pathToFileURL(join(folder, "dist/index.js")).href;
    const program = `
      const { dynamodbStore } = await import(${JSON.stringify(url)});
      const store = dynamodbStore({ table: "table", region: "eu-west-1" });
      const error = await (await store.open("bucket")).get("key").catch((reason) => reason);
      console.log(JSON.stringify(error));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    expect(JSON.parse(stdout)).toMatchObject({
      code: "unavailable",
      retryable: false,
      message: expect.stringContaining("npm install @aws-sdk/client-dynamodb"),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
