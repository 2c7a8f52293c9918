import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection, rejection } from "./support/rejection.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startRedis(password?: string, ...args: string[]) {
  const redis = await startDedicatedRedis({ ...(password !== undefined && { password }), args });
  const admin = new Redis({ port: redis.port, ...(password !== undefined && { password }) });
  cleanups.push(
    () => redis.stop(),
    () => admin.disconnect(),
  );
  return { host: redis.host, port: redis.port, admin };
}

async function bucketAt(url: string, options: { timeout?: number } = {}) {
  const store = redisStore({ url, ...options });
  cleanups.push(() => store.close());
  return store.open("bucket");
}

/** Runs the probe in a process with debug output, and returns all that it prints. */
async function probe(url: string): Promise<string> {
  const client = createRequire(import.meta.url).resolve("ioredis");
  const files = [new URL("../dist/index.js", import.meta.url).href, pathToFileURL(client).href];
  const program = fileURLToPath(new URL("./support/password-probe.mjs", import.meta.url));
  const child = spawn(process.execPath, [program, url, ...files], { env: { ...process.env, DEBUG: "*" } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
  await once(child, "close");
  return output;
}

describe("a password never passes through ioredis", () => {
  test.each([
    ["a right password", "canary-right", "provisioned"],
    ["a wrong password", "canary-wrong", "refused"],
  ])("%s", async (_, password, end) => {
    const { port, admin } = await startRedis();
    await admin.call("ACL", "SETUSER", "canary-user", "on", ">canary-right", "~*", "+@all");
    const output = await probe(`redis://canary-user:${password}@127.0.0.1:${port}/1`);
    expect(output).toContain(end);
    // The probe works: it shows the connection.
    expect(output).toMatch(/ioredis:redis status/);
    expect(output).toContain(`${port}`);
    expect(output).not.toContain("canary");
  });

  test("on a cluster", async () => {
    const output = await probe(serviceUrl("redis-cluster").replace("://", "://canary-user:canary-password@"));
    expect(output).toContain("refused");
    expect(output).toContain("WRONGPASS");
    expect(output).not.toContain("canary");
  });
});

describe("the login", () => {
  test("authenticates a user, selects the database and works again after a reconnect", async () => {
    const { port, admin } = await startRedis("main");
    await admin.call("ACL", "SETUSER", "me:ü", "on", ">p@ss wörd", "~*", "+@all");
    const credentials = `${encodeURIComponent("me:ü")}:${encodeURIComponent("p@ss wörd")}`;
    const bucket = await bucketAt(`redis://${credentials}@127.0.0.1:${port}/3`);
    await bucket.set("key", bytes("value"));
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    expect(text(await bucket.get("key"))).toBe("value");
    await admin.select(3);
    expect(await admin.get("{}bucket:key")).toBe("value");
  });

  test("ignores a password if the server needs none", async () => {
    const { port } = await startRedis();
    const bucket = await bucketAt(`redis://:unnecessary@127.0.0.1:${port}`);
    await bucket.set("key", bytes("value"));
    expect(text(await bucket.get("key"))).toBe("value");
  });

  test.each([
    ["a wrong password", ":wrong@", "", { code: "access-denied", reason: "WRONGPASS" }],
    ["an unknown user", "nobody:main@", "", { code: "access-denied", reason: "WRONGPASS" }],
    ["a missing password", "", "", { code: "access-denied", reason: "NOAUTH" }],
    ["a missing password with a database", "", "/1", { code: "access-denied", reason: "NOAUTH" }],
    ["a database that does not exist", ":main@", "/99", { code: "no-such-store", reason: "ERR" }],
    ["a user who may not select", "limited:pass@", "/1", { code: "access-denied", reason: "NOPERM" }],
  ])("fails at the first attempt for %s", async (_, credentials, path, expected) => {
    const { port, admin } = await startRedis("main");
    await admin.call("ACL", "SETUSER", "limited", "on", ">pass", "~*", "+@all", "-select");
    const before = await connections(admin);
    const bucket = await bucketAt(`redis://${credentials}127.0.0.1:${port}${path}`, { timeout: 30_000 });
    const error = await batchRejection(bucket.set("key", bytes("value")));
    expect(error).toMatchObject({ ...expected, retryable: false });
    expect(error.outcomeOf(0)).toBe("not-applied");
    expect((await connections(admin)) - before).toBe(1);
    await expect(rejection(bucket.get("key"))).resolves.toMatchObject(expected);
  });

  test("reports a cluster node even if the URL has a database", async () => {
    const [, nodes = ""] = serviceUrl("redis-cluster").split("//");
    const bucket = await bucketAt(`redis://${nodes.split(",")[0]}/1`);
    const error = await rejection(bucket.get("key"));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
    expect(error.reason).toContain("redis+cluster://");
    expect(error.message).not.toContain("check that it runs");
  });
});

async function connections(admin: Redis): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(await admin.info("stats"))?.[1]);
}
