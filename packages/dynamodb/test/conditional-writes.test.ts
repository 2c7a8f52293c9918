import { type ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type HttpHandler, type HttpProxy, passThrough } from "@manykv/conformance/faults";
import { BatchError, type Bucket, StoreError } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { dynamodbDriver, dynamodbStore } from "../src/index.js";
import { damage, fail, resetAfter } from "./support/behaviours.js";
import { conditionItems } from "./support/condition-items.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint, driver: direct } = testTable();
const text = (value: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(value));
const past = new Date(Date.now() - 1_000);

let proxy: HttpProxy;
let bucket: Bucket;
let close: () => Promise<void>;
beforeAll(async () => {
  proxy = await startProxy(endpoint);
  const store = dynamodbStore({ table, endpoint: proxy.url, retry: { baseDelay: 1 } });
  bucket = await store.open("bucket");
  await bucket.get("warm-up");
  close = () => store.close();
});
afterAll(async () => {
  await close();
  await proxy[Symbol.asyncDispose]();
});
afterEach(() => {
  proxy.handler = passThrough;
});

/** Stores a key that has expired, which DynamoDB has not yet deleted. */
async function setExpired(key: string): Promise<void> {
  await direct.set(request({ keys: [key], values: [text("old")], ttls: [past.getTime() - Date.now()] }));
}

async function errorOf(call: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (StoreError.is(error)) return error;
  throw new Error("the call must reject with a StoreError, but did not");
}

const lastValue = 2n ** 63n - 1n;

interface Case {
  readonly what: string;
  readonly prepare?: (key: string) => Promise<unknown>;
  readonly call: (key: string) => Promise<unknown>;
  readonly result: unknown;
  /** Number of requests if the server sends the item of an unmet condition, and if it does not. */
  readonly requests: readonly [number, number];
}

const cases: readonly Case[] = [
  { what: "increment creates a key", call: (key) => bucket.increment(key, -5), result: -5n, requests: [1, 1] },
  {
    what: "increment adds to a counter",
    prepare: (key) => bucket.increment(key, 41),
    call: (key) => bucket.increment(key),
    result: 42n,
    requests: [1, 1],
  },
  {
    what: "increment with `ttl` creates a key",
    call: (key) => bucket.increment(key, 1, { ttl: 60_000 }),
    result: 1n,
    requests: [1, 1],
  },
  {
    what: "increment with `ttl` adds to a counter that expires",
    prepare: (key) => bucket.increment(key, 1, { ttl: 60_000 }),
    call: (key) => bucket.increment(key, 1, { ttl: 60_000 }),
    result: 2n,
    requests: [1, 1],
  },
  {
    what: "increment with `ttl` adds to a counter that does not expire",
    prepare: (key) => bucket.increment(key, 1),
    call: (key) => bucket.increment(key, 1, { ttl: 60_000 }),
    result: 2n,
    requests: [2, 3],
  },
  {
    what: "increment replaces an expired key",
    prepare: setExpired,
    call: (key) => bucket.increment(key, 7),
    result: 7n,
    requests: [2, 3],
  },
  {
    what: "increment adds to a value that `set` has stored",
    prepare: (key) => bucket.set(key, text("-9")),
    call: (key) => bucket.increment(key, 10),
    result: 1n,
    requests: [2, 3],
  },
  {
    what: "increment of the largest value",
    prepare: (key) => bucket.increment(key, lastValue),
    call: (key) => errorOf(bucket.increment(key)).then(({ code }) => code),
    result: "precondition-failed",
    requests: [1, 2],
  },
  {
    what: "increment of other text",
    prepare: (key) => bucket.set(key, text("1.5")),
    call: (key) => errorOf(bucket.increment(key)).then(({ code }) => code),
    result: "wrong-type",
    requests: [1, 2],
  },
  {
    what: "set with `ifAbsent` creates a key",
    call: (key) => bucket.set(key, text("new"), { ifAbsent: true }),
    result: undefined,
    requests: [1, 1],
  },
  {
    what: "set with `ifAbsent` replaces an expired key",
    prepare: setExpired,
    call: (key) => bucket.set(key, text("new"), { ifAbsent: true }),
    result: undefined,
    requests: [1, 1],
  },
  {
    what: "set with `ifAbsent` finds a key",
    prepare: (key) => bucket.set(key, text("old")),
    call: (key) => errorOf(bucket.set(key, text("new"), { ifAbsent: true })).then(({ code }) => code),
    result: "precondition-failed",
    requests: [1, 1],
  },
  {
    what: "compareAndSwap creates a key",
    call: (key) => bucket.compareAndSwap(key, { expected: undefined, value: text("new") }),
    result: { swapped: true },
    requests: [1, 1],
  },
  {
    what: "compareAndSwap replaces a value",
    prepare: (key) => bucket.set(key, text("old")),
    call: (key) => bucket.compareAndSwap(key, { expected: text("old"), value: text("new") }),
    result: { swapped: true },
    requests: [1, 1],
  },
  {
    what: "compareAndSwap replaces a counter",
    prepare: (key) => bucket.increment(key, 12),
    call: (key) => bucket.compareAndSwap(key, { expected: text("12"), value: text("new") }),
    result: { swapped: true },
    requests: [1, 1],
  },
  {
    what: "compareAndSwap deletes a counter",
    prepare: (key) => bucket.increment(key, 12),
    call: (key) => bucket.compareAndSwap(key, { expected: text("12"), value: undefined }),
    result: { swapped: true },
    requests: [1, 1],
  },
  {
    what: "compareAndSwap finds another value",
    prepare: (key) => bucket.set(key, text("other")),
    call: (key) => bucket.compareAndSwap(key, { expected: text("old"), value: text("new") }),
    result: { swapped: false, current: text("other") },
    requests: [1, 2],
  },
  {
    what: "compareAndSwap finds a counter",
    prepare: (key) => bucket.increment(key, 12),
    call: (key) => bucket.compareAndSwap(key, { expected: text("012"), value: text("new") }),
    result: { swapped: false, current: text("12") },
    requests: [1, 2],
  },
  {
    what: "compareAndSwap finds an expired key",
    prepare: setExpired,
    call: (key) => bucket.compareAndSwap(key, { expected: text("old"), value: text("new") }),
    result: { swapped: false, current: undefined },
    requests: [1, 2],
  },
  {
    what: "compareAndSwap finds no key",
    call: (key) => bucket.compareAndSwap(key, { expected: text("old"), value: text("new") }),
    result: { swapped: false, current: undefined },
    requests: [2, 2],
  },
];

describe.each([
  ["a server that sends the item of an unmet condition", conditionItems(endpoint), 0],
  ["a server that does not send it", passThrough, 1],
] as const)("requests to %s", (_, handler, column) => {
  test.each(cases)("$what", async ({ prepare, call, result, requests }) => {
    const key = randomName();
    await prepare?.(key);
    proxy.handler = handler;
    const before = proxy.count();
    expect(await call(key)).toEqual(result);
    expect(proxy.count() - before).toBe(requests[column]);
  });
});

/** Handles the first request of an operation with `handler`, and passes all others. */
function once(operation: string, handler: HttpHandler): HttpHandler {
  let isDone = false;
  return (exchange) => {
    if (isDone || exchange.operation !== operation) return passThrough(exchange);
    isDone = true;
    return handler(exchange);
  };
}

/** Returns a handler that passes a request after another client has written. */
function after(write: () => Promise<unknown>): HttpHandler {
  return async (exchange) => {
    await write();
    await passThrough(exchange);
  };
}

describe("another client writes between two requests", () => {
  test("an increment that converts a value starts again", async () => {
    const key = randomName();
    await bucket.set(key, text("5"));
    const write = async (): Promise<void> => {
      proxy.handler = once(
        "UpdateItem",
        after(() => direct.set(request({ keys: [key], values: [text("7")] }))),
      );
    };
    proxy.handler = once("BatchGetItem", async (exchange) => {
      await passThrough(exchange);
      await write();
    });
    expect(await bucket.increment(key)).toBe(8n);
    expect(await bucket.get(key)).toEqual(text("8"));
  });

  test("an increment that replaces an expired key starts again", async () => {
    const key = randomName();
    await setExpired(key);
    proxy.handler = once(
      "PutItem",
      after(() => direct.set(request({ keys: [key], values: [text("7")] }))),
    );
    expect(await bucket.increment(key)).toBe(8n);
  });

  test("a swap starts again if the read finds the expected value", async () => {
    const key = randomName();
    await bucket.set(key, text("other"));
    proxy.handler = once(
      "BatchGetItem",
      after(() => direct.set(request({ keys: [key], values: [text("old")] }))),
    );
    const swapped = await bucket.compareAndSwap(key, { expected: text("old"), value: text("new") });
    expect(swapped).toEqual({ swapped: true });
    expect(await bucket.get(key)).toEqual(text("new"));
  });
});

describe("a lost response", () => {
  test("to an increment is `unknown`, and the increment is not repeated", async () => {
    const key = randomName();
    proxy.handler = once("UpdateItem", resetAfter);
    const error = await errorOf(bucket.increment(key));
    expect(BatchError.is(error) && error.outcomeOf(0)).toBe("unknown");
    expect(await bucket.get(key)).toEqual(text("1"));
  });

  test("to the second request of an increment is `unknown`", async () => {
    const key = randomName();
    await setExpired(key);
    proxy.handler = once("PutItem", resetAfter);
    const error = await errorOf(bucket.increment(key));
    expect(BatchError.is(error) && error.outcomeOf(0)).toBe("unknown");
    expect(await bucket.get(key)).toEqual(text("1"));
  });

  test("to the read between both requests has no effect, so the increment is repeated", async () => {
    const key = randomName();
    await bucket.set(key, text("5"));
    proxy.handler = once("BatchGetItem", resetAfter);
    expect(await bucket.increment(key)).toBe(6n);
    expect(await bucket.get(key)).toEqual(text("6"));
  });

  test("to a swap is `unknown`, because DynamoDB cannot cancel it", async () => {
    const key = randomName();
    proxy.handler = once("PutItem", resetAfter);
    const error = await errorOf(bucket.compareAndSwap(key, { expected: undefined, value: text("new") }));
    expect(BatchError.is(error) && error.outcomeOf(0)).toBe("unknown");
  });

  test("to a set with `ifAbsent` is `unknown`: the repetition finds the key", async () => {
    const key = randomName();
    proxy.handler = once("PutItem", resetAfter);
    const error = await errorOf(bucket.set(key, text("new"), { ifAbsent: true }));
    expect(BatchError.is(error) && error.outcomeOf(0)).toBe("unknown");
  });

  test("that middleware of the caller hides by repeating the request is `unknown`", async () => {
    const client = new DynamoDBClient({ endpoint: proxy.url });
    client.middlewareStack.add((next) => (args) => next(args).catch(() => next(args)), { step: "finalizeRequest" });
    await using store = dynamodbStore({ table, client });
    const repeating = await store.open("bucket");
    proxy.handler = once("PutItem", resetAfter);
    const error = await errorOf(repeating.set(randomName(), text("new"), { ifAbsent: true }));
    expect(BatchError.is(error) && error.outcomeOf(0)).toBe("unknown");
    client.destroy();
  });
});

test.each([
  ["another key", { k: { S: "bucket:other" }, v: { B: "" } }],
  ["no key", { v: { B: "" } }],
])("an unmet condition whose item has %s is a damaged response", async (_, Item) => {
  const key = randomName();
  await bucket.set(key, text("old"));
  const driver = dynamodbDriver({ table, endpoint: proxy.url });
  proxy.handler = damage((body) => Buffer.from(JSON.stringify({ ...(JSON.parse(body.toString()) as object), Item })));
  const swap = driver.compareAndSwap?.(request({ keys: [key], expected: text("a"), value: text("b") }));
  const error: unknown = await swap?.catch((reason: unknown) => reason);
  expect(driver.classify(error)).toMatchObject({ reason: "MalformedAnswer", effect: "unknown" });
  await driver.close();
});

test("middleware of the caller sees the operation and the table, but neither keys nor values", async () => {
  const client = new DynamoDBClient({ endpoint });
  const seen: unknown[] = [];
  client.middlewareStack.add((next, context) => async (args) => {
    (args.input as { ReturnConsumedCapacity?: string }).ReturnConsumedCapacity = "TOTAL";
    const result = await next(args);
    seen.push([context.commandName, args.input, Object.keys(result.output as object).sort()]);
    return result;
  });
  await using store = dynamodbStore({ table, client });
  const observed = await store.open("bucket");
  const key = randomName();
  expect(await observed.increment(key)).toBe(1n);
  await observed.compareAndSwap(key, { expected: text("1"), value: undefined });
  await observed.set(key, text("secret"), { ifAbsent: true });
  const input = { TableName: table, ReturnConsumedCapacity: "TOTAL" };
  const output = ["$metadata", "ConsumedCapacity"];
  expect(seen).toEqual(
    ["UpdateItemCommand", "DeleteItemCommand", "PutItemCommand"].map((name) => [name, input, output]),
  );
  client.destroy();
});

test("middleware of the caller sees an unmet condition without the item, which the driver still gets", async () => {
  const client = new DynamoDBClient({ endpoint: proxy.url });
  const seen: unknown[] = [];
  client.middlewareStack.add((next) => (args) => {
    return next(args).catch((error: ConditionalCheckFailedException) => {
      seen.push([error.name, error.Item]);
      throw error;
    });
  });
  await using store = dynamodbStore({ table, client });
  const observed = await store.open("bucket");
  const key = randomName();
  await observed.set(key, text("secret"));
  proxy.handler = conditionItems(endpoint);
  const before = proxy.count();
  const result = await observed.compareAndSwap(key, { expected: text("old"), value: text("new") });
  expect(result).toEqual({ swapped: false, current: text("secret") });
  expect(proxy.count() - before).toBe(1);
  expect(seen).toEqual([["ConditionalCheckFailedException", undefined]]);
  client.destroy();
});

test("a table of Alternator that forbids conditional writes is `unsupported`, with advice", async () => {
  const message = "Read-modify-write operations are disabled by 'forbid_rmw' write isolation policy. Refer to ...";
  proxy.handler = fail(400, "ValidationException", message);
  const error = await errorOf(bucket.increment("key"));
  expect(error.code).toBe("unsupported");
  expect(error.message).toContain("set its write isolation to always_use_lwt");
});

test("an operation that the server does not know is `unsupported`", async () => {
  proxy.handler = fail(400, "UnknownOperationException");
  expect(await errorOf(bucket.increment("key"))).toMatchObject({ code: "unsupported", retryable: false });
});
