// Type tests of the application API. `npx -y pnpm@12 typecheck` compiles them. They are not run.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dynamodbStore } from "@manykv/dynamodb";
import { memoryStore } from "@manykv/memory";
import { postgresStore } from "@manykv/postgres";
import { redisStore } from "@manykv/redis";
import { Cluster, Redis } from "ioredis";
import {
  BatchError,
  type Bucket,
  type CallOptions,
  type Entry,
  type KeyValue,
  openStore,
  type Store,
  StoreError,
  type StoreErrorCode,
  type StoreErrorTag,
  type StoreOptions,
} from "manykv";
import { Pool } from "pg";
import { describe, expectTypeOf, test } from "vitest";

declare const bucket: Bucket;
declare const bytes: Uint8Array;
declare const caught: unknown;

describe("results", () => {
  test("values are Uint8Array<ArrayBuffer>, which crypto.subtle, Blob and fetch accept", () => {
    expectTypeOf(bucket.get("a")).resolves.toEqualTypeOf<Uint8Array<ArrayBuffer> | undefined>();
    expectTypeOf(bucket.getMany(["a"])).resolves.toEqualTypeOf<(KeyValue | undefined)[]>();
    expectTypeOf<KeyValue>().toEqualTypeOf<readonly [key: string, value: Uint8Array<ArrayBuffer>]>();
    expectTypeOf<KeyValue[1]>().toExtend<Parameters<typeof crypto.subtle.digest>[1]>();
  });

  test("writes resolve with undefined", () => {
    expectTypeOf(bucket.set("a", bytes)).resolves.toEqualTypeOf<void>();
    expectTypeOf(bucket.setMany([["a", bytes]])).resolves.toEqualTypeOf<void>();
    expectTypeOf(bucket.deleteMany(["a"])).resolves.toEqualTypeOf<void>();
  });

  test("listKeys resolves with a page, and keys returns an async iterable", () => {
    expectTypeOf(bucket.listKeys()).resolves.toExtend<{ keys: string[]; cursor?: string }>();
    expectTypeOf(bucket.keys()).toEqualTypeOf<AsyncIterable<string>>();
  });
});

describe("arguments", () => {
  test("setMany accepts a Map, entries with any Uint8Array, generators and records of getMany", () => {
    expectTypeOf(bucket.setMany).toBeCallableWith(new Map<string, Uint8Array>());
    expectTypeOf(bucket.setMany).toBeCallableWith([["a", Buffer.from("text")]]);
    expectTypeOf(bucket.setMany).toBeCallableWith([["a", new Uint8Array(new SharedArrayBuffer(1))]]);
    expectTypeOf<Generator<Entry>>().toExtend<Parameters<Bucket["setMany"]>[0]>();
    expectTypeOf<KeyValue[]>().toExtend<Parameters<Bucket["setMany"]>[0]>();
    expectTypeOf<readonly Entry[]>().toExtend<Parameters<Bucket["setMany"]>[0]>();
  });

  test("setMany rejects text values and plain objects", () => {
    // @ts-expect-error a value must be a Uint8Array
    bucket.setMany([["a", "text"]]);
    // @ts-expect-error an object is not an iterable of entries
    bucket.setMany({ a: bytes });
  });

  test("keys can come from any iterable of strings", () => {
    expectTypeOf(bucket.getMany).toBeCallableWith(new Set(["a"]));
    expectTypeOf(bucket.deleteMany).toBeCallableWith(new Map([["a", bytes]]).keys());
    // @ts-expect-error a key must be a string
    bucket.getMany([1]);
  });
});

describe("options", () => {
  test("calls accept a signal and a timeout", () => {
    expectTypeOf(bucket.get).toBeCallableWith("a", { signal: AbortSignal.timeout(1), timeout: Infinity });
    expectTypeOf<{ timeout: number | undefined }>().toExtend<CallOptions>();
    // @ts-expect-error unknown option
    bucket.get("a", { timeOut: 1 });
    // @ts-expect-error unknown option
    bucket.setMany([], { concurrency: 1 });
    // @ts-expect-error wrong type
    bucket.deleteMany([], { timeout: "1s" });
  });

  test("listKeys accepts a cursor, but keys does not", () => {
    expectTypeOf(bucket.listKeys).toBeCallableWith({ cursor: "a", timeout: 1 });
    // @ts-expect-error the cursor must be an option
    bucket.listKeys("a");
    // @ts-expect-error keys follows the cursors itself
    bucket.keys({ cursor: "a" });
  });

  test("open accepts coalesce", () => {
    const store = memoryStore();
    expectTypeOf(store.open("a", { coalesce: true })).resolves.toEqualTypeOf<Bucket>();
    // @ts-expect-error unknown option
    store.open("a", { batch: true });
  });

  test("every factory accepts the options of a store and rejects unknown options", () => {
    const options: StoreOptions = {
      limits: { maxValueBytes: 1 },
      buckets: ["a"],
      timeout: 1,
      requestLimits: { maxKeys: 1 },
      concurrency: 1,
      retry: { attempts: 1 },
    };
    expectTypeOf(openStore("memory:", options)).resolves.toEqualTypeOf<Store>();
    expectTypeOf(memoryStore(options)).toEqualTypeOf<Store>();
    expectTypeOf(redisStore({ ...options, url: "redis://" })).toEqualTypeOf<Store>();
    expectTypeOf(postgresStore({ ...options, url: "postgres://" })).toEqualTypeOf<Store>();
    expectTypeOf(dynamodbStore({ ...options, table: "t", region: "r" })).toEqualTypeOf<Store>();
    // @ts-expect-error unknown option
    openStore("memory:", { request: {} });
    // @ts-expect-error unknown option
    memoryStore({ maxValueBytes: 1 });
    // @ts-expect-error unknown option
    redisStore({ url: "redis://", table: "t" });
    // @ts-expect-error unknown option
    postgresStore({ url: "postgres://", tables: "t" });
    // @ts-expect-error unknown option
    dynamodbStore({ table: "t", regions: "r" });
    // @ts-expect-error unknown nested option
    memoryStore({ retry: { tries: 1 } });
  });

  test("a backend accepts a client of the application instead of a URL", () => {
    expectTypeOf(redisStore).toBeCallableWith({ client: new Redis() });
    expectTypeOf(redisStore).toBeCallableWith({ client: new Cluster([]) });
    expectTypeOf(postgresStore).toBeCallableWith({ pool: new Pool(), table: "t" });
    expectTypeOf(dynamodbStore).toBeCallableWith({ client: new DynamoDBClient(), table: "t" });
    // @ts-expect-error a table is required
    dynamodbStore({ region: "r" });
  });
});

describe("errors", () => {
  test("StoreError.is narrows to the fields of a StoreError", () => {
    if (!StoreError.is(caught)) return;
    expectTypeOf(caught).toEqualTypeOf<StoreError>();
    expectTypeOf(caught.code).toEqualTypeOf<StoreErrorCode>();
    expectTypeOf(caught.tag).toEqualTypeOf<StoreErrorTag>();
    expectTypeOf(caught.reason).toEqualTypeOf<string | undefined>();
    expectTypeOf(caught.retryable).toEqualTypeOf<boolean>();
    // @ts-expect-error the code is one of a known list
    if (caught.code === "no-such-code") return;
    // @ts-expect-error only a BatchError has counts
    void caught.counts;
  });

  test("BatchError.is narrows to the outcomes", () => {
    if (!BatchError.is(caught)) return;
    expectTypeOf(caught).toEqualTypeOf<BatchError>();
    expectTypeOf(caught).toExtend<StoreError>();
    expectTypeOf(caught.outcomeOf(0)).toEqualTypeOf<"applied" | "not-applied" | "unknown">();
    expectTypeOf(caught.counts["not-applied"]).toEqualTypeOf<number>();
    for (const failure of caught.failures()) {
      expectTypeOf(failure.outcome).toEqualTypeOf<"not-applied" | "unknown">();
      expectTypeOf(failure.code).toEqualTypeOf<StoreErrorCode>();
    }
  });

  test("BatchError.is also narrows a StoreError", () => {
    if (StoreError.is(caught) && BatchError.is(caught)) expectTypeOf(caught.counts.unknown).toBeNumber();
  });
});

test("a store can be declared with `await using`", async () => {
  await using store = await openStore("memory:");
  expectTypeOf(store).toExtend<AsyncDisposable>();
  expectTypeOf(store.close()).resolves.toEqualTypeOf<void>();
});

test("properties that a program must not change are read-only", () => {
  // @ts-expect-error read-only
  bucket.name = "b";
  // @ts-expect-error read-only
  bucket.limits.maxKeyBytes = 1;
});
