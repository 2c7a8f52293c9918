import { randomInt } from "node:crypto";
import { firstRequests, type HttpHandler, type HttpProxy, passThrough, Random } from "@manykv/conformance/faults";
import { BatchError, type Bucket, type KeyValue, type Outcome, type Store } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { fail, hang, hangAfter, leaveUnprocessed, resetAfter, resetBefore } from "./support/behaviours.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint, client } = testTable();
const count = 260;
const timeout = 20_000;

let proxy: HttpProxy;
let store: Store;
/** A bucket behind the proxy. Each test has its own bucket. */
let bucket: Bucket;
/** The same bucket without the proxy, opened with another client. */
let truth: Bucket;

beforeEach(async () => {
  proxy = await startProxy(endpoint);
  const retry = { attempts: 5, baseDelay: 5, maxDelay: 20 };
  store = dynamodbStore({ table, endpoint: proxy.url, retry, timeout });
  const name = randomName();
  bucket = await store.open(name);
  truth = await dynamodbStore({ table, client }).open(name);
});
afterEach(async () => {
  await store.close();
  await proxy[Symbol.asyncDispose]();
});

function entriesOf(label: string): KeyValue[] {
  return Array.from({ length: count }, (_, index) => [`key-${index}`, new TextEncoder().encode(`${label}-${index}`)]);
}
const keys = entriesOf("").map(([key]) => key);

async function failureOf(call: Promise<void>): Promise<BatchError> {
  const error = await call.then(
    () => expect.fail("the call must reject, but resolved"),
    (reason: unknown) => reason,
  );
  if (!BatchError.is(error)) throw error;
  return error;
}

/** Checks that every `applied` key is stored and no `not-applied` key is stored. Returns the outcomes that occurred. */
async function checkOutcomes(error: BatchError, written: readonly KeyValue[]): Promise<Set<Outcome>> {
  const found = await truth.getMany(written.map(([key]) => key));
  const outcomes = new Set<Outcome>();
  for (const [index, [key, value]] of written.entries()) {
    const outcome = error.outcomeOf(index);
    outcomes.add(outcome);
    if (outcome === "applied") expect(found[index]).toEqual([key, value]);
    if (outcome === "not-applied") expect(found[index]).toBeUndefined();
  }
  return outcomes;
}

describe("unprocessed keys", () => {
  test.each([1, 25, 50, 75, 99])("are retried until done, with %i%% of the keys unprocessed", async (percent) => {
    const seed = randomInt(2 ** 31);
    const random = new Random(seed);
    const message = `seed ${seed}`;
    proxy.handler = leaveUnprocessed(() => random.chance(percent / 100));
    const entries = entriesOf("unprocessed");
    await bucket.setMany(entries);
    expect(await truth.getMany(keys), message).toEqual(entries);
    expect(await bucket.getMany([...keys, "missing"]), message).toEqual([...entries, undefined]);
    const removed = keys.filter((_, index) => index % 2 === 0);
    await bucket.deleteMany(removed);
    const left = entries.map((entry, index) => (index % 2 === 0 ? undefined : entry));
    expect(await truth.getMany(keys), message).toEqual(left);
  });

  test("do not prevent the other keys from being applied", async () => {
    proxy.handler = async (passage) => {
      const stubborn = passage.body.includes(":key-7");
      return stubborn ? leaveFrom("key-7")(passage) : passThrough(passage);
    };
    const entries = entriesOf("stubborn");
    const error = await failureOf(bucket.setMany(entries));
    expect(error).toMatchObject({ code: "throttled", retryable: true });
    expect(await checkOutcomes(error, entries)).toEqual(new Set(["applied", "not-applied"]));
    expect(error.counts.unknown).toBe(0);
    for (const { index } of error.failures()) expect(keys[index]).toMatch(/^key-7/);
  });
});

/** Returns a handler that leaves keys that start with `start` unprocessed, even if the request has no other keys. */
function leaveFrom(start: string): HttpHandler {
  return async (passage) => {
    const { RequestItems: items } = JSON.parse(passage.body.toString());
    const puts = items[table] as { PutRequest: { Item: { k: { S: string } } } }[];
    const isLeft = (put: (typeof puts)[number]) => put.PutRequest.Item.k.S.split(":")[1]?.startsWith(start);
    const done = puts.filter((put) => !isLeft(put));
    if (done.length > 0) await passage.forward(Buffer.from(JSON.stringify({ RequestItems: { [table]: done } })));
    const body = { UnprocessedItems: { [table]: puts.filter(isLeft) } };
    passage.reply({ body: Buffer.from(JSON.stringify(body)) });
  };
}

describe("errors for whole requests", () => {
  test.each([
    ["ThrottlingException", 400],
    ["ProvisionedThroughputExceededException", 400],
    ["InternalServerError", 500],
    ["ServiceUnavailable", 503],
  ])("%s for the first requests is retried, and the batch succeeds", async (name, status) => {
    proxy.handler = firstRequests(6, fail(status, name));
    const entries = entriesOf(name);
    await bucket.setMany(entries);
    expect(await bucket.getMany(keys)).toEqual(entries);
    await bucket.deleteMany(keys);
    expect(await truth.getMany(keys)).toEqual(keys.map(() => undefined));
  });

  test.each([
    ["ThrottlingException", 400, "throttled", "not-applied"],
    ["InternalServerError", 500, "unavailable", "unknown"],
    ["ExpiredTokenException", 400, "access-denied", "not-applied"],
    ["AccessDeniedException", 400, "access-denied", "not-applied"],
    ["ValidationException", 400, "internal", "not-applied"],
  ] as const)("%s for every request makes the batch fail (status %i, code %s)", async (name, status, code, outcome) => {
    proxy.handler = fail(status, name);
    const entries = entriesOf(name);
    const error = await failureOf(bucket.setMany(entries));
    expect(error.code).toBe(code);
    const outcomes = await checkOutcomes(error, entries);
    expect(outcomes.has("applied")).toBe(false);
    expect(outcomes.has(outcome)).toBe(true);
    await expect(bucket.getMany(keys)).rejects.toMatchObject({ code });
    await expect(bucket.exists("key-1")).rejects.toMatchObject({ code });
    // 11 write requests and 4 read requests, each sent at most 5 times.
    expect(proxy.count("BatchWriteItem")).toBeLessThanOrEqual(11 * 5);
    expect(proxy.count("BatchGetItem")).toBeLessThanOrEqual(4 * 5);
  });
});

describe("connections", () => {
  test.each([
    ["before the server received the requests", resetBefore],
    ["after the server processed the requests", resetAfter],
  ])("a batch succeeds if the first connections are reset %s", async (_, behaviour) => {
    proxy.handler = firstRequests(6, behaviour);
    const entries = entriesOf("reset");
    await bucket.setMany(entries);
    expect(await bucket.getMany(keys)).toEqual(entries);
    await bucket.deleteMany(keys);
    expect(await truth.getMany(keys)).toEqual(keys.map(() => undefined));
  });

  test.each([
    ["before the server received a request", resetBefore],
    ["after the server processed a request", resetAfter],
  ])("keys are unknown if their connections are always reset %s; other keys are applied", async (_, behaviour) => {
    proxy.handler = (passage) => (passage.body.includes(":key-30") ? behaviour : passThrough)(passage);
    const entries = entriesOf("some");
    const error = await failureOf(bucket.setMany(entries));
    expect(error.code).toBe("connection-lost");
    expect(error.outcomeOf(30)).toBe("unknown");
    expect(await checkOutcomes(error, entries)).toEqual(new Set(["applied", "unknown"]));
    await expect(bucket.getMany(keys)).rejects.toMatchObject({ code: "connection-lost" });
  });

  test.each([
    ["that did not reach the server", hang],
    ["that the server processed", hangAfter],
  ])("a call without responses to requests %s settles by the deadline as unknown", async (_, behaviour) => {
    proxy.handler = behaviour;
    const entries = entriesOf("silence");
    const start = performance.now();
    const error = await failureOf(bucket.setMany(entries, { timeout: 600 }));
    expect(performance.now() - start).toBeLessThan(600 + 1_000);
    expect(error.code).toBe("timeout");
    expect(error.counts.applied).toBe(0);
    expect(error.counts.unknown).toBeGreaterThan(0);
    await expect(bucket.getMany(keys, { timeout: 300 })).rejects.toMatchObject({ code: "timeout" });
  });

  test("a connection without responses delays a call by only one attempt", async () => {
    proxy.handler = firstRequests(1, hang);
    const entries = entriesOf("one silent");
    await bucket.setMany(entries, { timeout: 3_000 });
    expect(await truth.getMany(keys)).toEqual(entries);
  });

  test("a cancelled call rejects promptly and reports sent keys as unknown", async () => {
    const controller = new AbortController();
    proxy.handler = (passage) => {
      setTimeout(() => controller.abort(), 50);
      return hang(passage);
    };
    const error = await failureOf(bucket.setMany(entriesOf("cancelled"), { signal: controller.signal }));
    expect(error.code).toBe("aborted");
    expect(error.outcomeOf(0)).toBe("unknown");
  });

  test("no outcome is unknown if the server is down, because nothing was sent", async () => {
    const gone = dynamodbStore({
      table,
      endpoint: "http://127.0.0.1:1",
      retry: { attempts: 2, baseDelay: 1 },
    });
    const error = await failureOf((await gone.open("bucket")).setMany(entriesOf("gone")));
    expect(error).toMatchObject({ code: "unavailable", counts: { applied: 0, unknown: 0 } });
    await gone.close();
  });
});
