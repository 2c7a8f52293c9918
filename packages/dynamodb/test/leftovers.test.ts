import { spawn } from "node:child_process";
import { channel, hasSubscribers } from "node:diagnostics_channel";
import { setMaxListeners } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Outcome, StoreError } from "@manykv/core";
import { describe, expect, test, vi } from "vitest";
import { dynamodbDriver, dynamodbStore } from "../src/index.js";
import { request } from "./support/request.js";

const table = "table";
const connection = { region: "us-east-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } };
const empty = JSON.stringify({ Responses: { [table]: [] }, UnprocessedKeys: {}, UnprocessedItems: {} });

interface StandingServer extends AsyncDisposable {
  readonly url: string;
  /** Whether the server answers requests. While it stands still, it accepts connections but sends nothing. */
  answers: boolean;
  /** Number of requests that the server has received. */
  received: number;
}

async function startServer(): Promise<StandingServer> {
  const server: Server = createServer((incoming, outgoing) => {
    incoming.resume();
    incoming.on("end", () => {
      started.received++;
      if (started.answers) outgoing.end(empty);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const started = {
    url: `http://127.0.0.1:${port}`,
    answers: false,
    received: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return started;
}

describe.each(["our own client", "a caller's client"])("%s: 10,000 calls given up at once", (way) => {
  test("while the server stands still: all settle, and the store serves again", { timeout: 120_000 }, async () => {
    await using server = await startServer();
    const client = way === "our own client" ? undefined : new DynamoDBClient({ ...connection, endpoint: server.url });
    const options = client === undefined ? { ...connection, endpoint: server.url } : { client };
    await using store = dynamodbStore({ table, ...options, timeout: 60_000 });
    const bucket = await store.open("bucket");
    for (let round = 0; round < 2; round++) {
      Object.assign(server, { answers: false, received: 0 });
      const controller = new AbortController();
      setMaxListeners(0, controller.signal);
      const { signal } = controller;
      const reads = Array.from({ length: 5_000 }, (_, index) => bucket.get(`key-${index}`, { signal }));
      const writes = Array.from({ length: 5_000 }, (_, index) =>
        bucket.set(`key-${index}`, new Uint8Array(10), { signal }),
      );
      await vi.waitFor(() => expect(server.received).toBeGreaterThan(0), { timeout: 30_000 });
      controller.abort();
      for (const { status, ...settled } of await Promise.allSettled([...reads, ...writes])) {
        expect(status).toBe("rejected");
        expect("reason" in settled && StoreError.is(settled.reason) && settled.reason.code).toBe("aborted");
      }
      server.answers = true;
      expect(await bucket.getMany(["one", "two"])).toEqual([undefined, undefined]);
    }
    client?.destroy();
  });
});

test("a write that waits for a slot and is given up is not applied", async () => {
  await using server = await startServer();
  await using store = dynamodbStore({ table, ...connection, endpoint: server.url });
  const bucket = await store.open("bucket");
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const { signal } = controller;
  const writes = Array.from({ length: 200 }, (_, index) => bucket.set(`${index}`, new Uint8Array(1), { signal }));
  await vi.waitFor(() => expect(server.received).toBe(64), { timeout: 30_000 });
  controller.abort();
  const outcomes = await Promise.all(
    writes.map((each) =>
      each.then(
        () => "applied",
        (error): Outcome => error.outcomeOf(0),
      ),
    ),
  );
  expect(outcomes.filter((outcome) => outcome === "unknown")).toHaveLength(64);
  expect(outcomes.filter((outcome) => outcome === "not-applied")).toHaveLength(136);
});

test("requests of other libraries that throw when they are inspected do not end the process", async () => {
  await using server = await startServer();
  server.answers = true;
  const driver = dynamodbDriver({ table, ...connection, endpoint: server.url });
  await driver.get(request({ keys: ["key"] }));
  channel("http.client.request.start").publish({
    request: {
      getHeader() {
        throw new Error("not a request");
      },
    },
  });
  channel("http.client.request.start").publish({});
  await new Promise((resolve) => setImmediate(resolve));
  await driver.get(request({ keys: ["key"] }));
  await driver.close();
});

test("a closed driver leaves no subscriber of the channel for requests", async () => {
  await using server = await startServer();
  server.answers = true;
  const name = "http.client.request.start";
  const before = hasSubscribers(name);
  const driver = dynamodbDriver({ table, ...connection, endpoint: server.url });
  await driver.get(request({ keys: ["key"] }));
  expect(hasSubscribers(name)).toBe(true);
  await driver.close();
  expect(hasSubscribers(name)).toBe(before);
});

const exitStates: readonly [string, (url: string, folder: string) => NodeJS.ProcessEnv][] = [
  ["own client", () => ({})],
  ["TLS handshake", () => ({})],
  ["credentials function that hangs", () => ({})],
  ["caller's client", () => ({})],
  ["metadata service that hangs", (url) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url })],
  ["credential process that hangs", (_, folder) => ({ AWS_CONFIG_FILE: join(folder, "config") })],
];

test.each(exitStates)("the process ends after close(): %s", async (state, environment) => {
  const folder = await mkdtemp(join(tmpdir(), "manykv-dynamodb-"));
  await writeFile(join(folder, "config"), "[default]\ncredential_process = sleep 600\n");
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, AWS_PROFILE: ___, ...inherited } = process.env;
  await using server = await startServer();
  const probe = fileURLToPath(new URL("./support/exit-probe.mjs", import.meta.url));
  const child = spawn(process.execPath, ["--no-warnings", probe, state, server.url], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...inherited, HOME: folder, ...environment(server.url, folder) },
  });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  await rm(folder, { recursive: true });
  expect([code, errors]).toEqual([0, ""]);
});
