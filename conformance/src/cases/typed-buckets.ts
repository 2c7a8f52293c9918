import assert from "node:assert/strict";
import {
  BatchError,
  type Codec,
  DecodeError,
  json,
  type StandardSchema,
  StoreError,
  schema,
  text,
  typed,
} from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { farAway } from "../support/expiry.js";
import { clearTimeout, keysIn, listed } from "../support/listed.js";
import { assertNoLeak, canary } from "../support/no-leak.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf, rejectionOf, rejectsWith } from "../support/rejections.js";

interface User {
  readonly name: string;
  readonly age: number;
}

/** A schema as zod, valibot and arktype implement it. Its output has a default. */
const userSchema: StandardSchema<Partial<User>, User> = {
  "~standard": {
    version: 1,
    validate: (value) => {
      const { name, age = 0 } = value as Partial<User>;
      if (typeof name !== "string" || typeof age !== "number") return { issues: [{ message: `no user: ${name}` }] };
      return { value: { name, age } };
    },
  },
};

/** Cases for `typed` buckets, which do for values what a bucket does for bytes. */
export const typedCases: readonly ConformanceCase[] = [
  {
    id: "same-typed-text",
    rule: "same",
    subject: "core",
    title: "a typed bucket with text() stores strings as UTF-8, and every method returns strings",
    async run(context) {
      const bucket = await context.bucket();
      const texts = typed(bucket, text());
      await texts.set("a", "of é😀");
      await texts.setMany(new Map([["b", ""]]));
      sameBytes(await bucket.get("a"), bytes("of é😀"));
      assert.equal(await texts.get("b"), "");
      assert.equal(await texts.get("missing"), undefined);
      assert.deepEqual(await texts.getMany(["b", "missing", "a"]), [["b", ""], undefined, ["a", "of é😀"]]);
      assert.deepEqual([...(await texts.getMap(["a", "c"]))], [["a", "of é😀"]]);
      assert.deepEqual(await texts.existsMany(["a", "c"]), [true, false]);
      await texts.delete("a");
      assert.deepEqual(await keysIn(bucket), ["b"]);
      await texts.clear({ timeout: clearTimeout });
      assert.equal(await texts.exists("b"), false);
    },
  },
  {
    id: "same-typed-json",
    rule: "same",
    subject: "core",
    title: "a typed bucket with json() stores JSON, reads it back, and rejects what JSON cannot represent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      const values = typed(bucket, json<unknown>());
      const stored = [{ a: [1, null, "é"] }, "text", 0, false, null, []];
      await values.setMany(stored.map((value, index) => [`key ${index}`, value]));
      sameBytes(await bucket.get("key 0"), bytes('{"a":[1,null,"é"]}'));
      const found = await values.getMany(stored.map((_, index) => `key ${index}`));
      assert.deepEqual(
        found.map((pair) => pair?.[1]),
        stored,
      );
      requests.length = 0;
      for (const bad of [undefined, () => {}, 1n, Symbol("x")]) {
        const error = await batchErrorOf(
          values.setMany([
            ["a", 1],
            ["b", bad],
          ]),
          "invalid-argument",
        );
        assertNothingApplied(error, 2);
        assert.match(error.message, /entry 1\b/);
        for (const { code } of error.failures()) assert.equal(code, "invalid-argument");
      }
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "same-typed-decode-error",
    rule: "same",
    subject: "core",
    title:
      "if stored values do not decode, the error names their indexes, contains no value, and gives access to the others",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.setMany([
        ["a", bytes('{"a":1}')],
        ["b", bytes(`{"${canary}`)],
        ["c", bytes("[2]")],
        ["d", new Uint8Array([0xff])],
      ]);
      const values = typed(bucket, json<unknown>());
      const keys = ["a", "b", "missing", "c", "d"];
      for (const call of [() => values.getMany(keys), () => values.getMap(keys)]) {
        const error = await rejectionOf(call());
        assert.ok(DecodeError.is(error), "the call must reject with a DecodeError");
        assert.equal(error.code, "wrong-type");
        assert.deepEqual(error.indexes, [1, 4]);
        assert.deepEqual(error.values(), [{ a: 1 }, undefined, undefined, [2], undefined]);
        assert.match(error.message, /entry 1\b/);
        assertNoLeak(error, "a value that does not decode");
      }
      await rejectsWith(values.get("b"), "wrong-type");
      await rejectsWith(typed(bucket, text()).get("d"), "wrong-type");
      assert.deepEqual(await values.get("c"), [2]);
    },
  },
  {
    id: "same-typed-large-batch",
    rule: "same",
    subject: "core",
    title: "a typed read decodes 2,500 values in several turns of the event loop, and returns each at its index",
    async run(context) {
      const bucket = await context.bucket();
      const keys = Array.from({ length: 2_500 }, (_, index) => `key ${index}`);
      await bucket.setMany(keys.map((key) => [key, bytes(key === "key 1700" ? "bad" : key)]));
      const { codec, turns } = codecThatCountsTurns(keys.length);
      const error = await rejectionOf(typed(bucket, codec).getMany(keys));
      assert.ok(DecodeError.is(error));
      assert.deepEqual(error.indexes, [1_700]);
      assert.deepEqual(
        error.values(),
        keys.map((key) => (key === "key 1700" ? undefined : key)),
      );
      assert.ok(turns.size > 1, "the values must not be decoded in one turn of the event loop");
    },
  },
  {
    id: "same-typed-many-bytes",
    rule: "same",
    subject: "core",
    title: "a typed read decodes 2.4 MB of values in several turns of the event loop, and returns each at its index",
    async run(context) {
      const bucket = await context.bucket();
      const size = Math.min(200_000, bucket.limits.maxValueBytes);
      const keys = Array.from({ length: 2_400_000 / size }, (_, index) => `key ${index}`);
      await bucket.setMany(keys.map((key) => [key, bytes(key.padEnd(size))]));
      const { codec, turns } = codecThatCountsTurns(keys.length);
      const found = await typed(bucket, codec).getMany(keys);
      assert.deepEqual(
        found.map((pair) => pair?.[1]?.trimEnd()),
        keys,
      );
      assert.ok(turns.size > 1, "the values must not be decoded in one turn of the event loop");
    },
  },
  {
    id: "same-typed-schema",
    rule: "same",
    subject: "core",
    title: "a typed bucket with schema() checks values before it sends them and after it reads them",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      const users = typed(bucket, schema(userSchema));
      await users.set("a", { name: "Ada" });
      assert.deepEqual(await users.get("a"), { name: "Ada", age: 0 });
      requests.length = 0;
      const error = await batchErrorOf(users.set("b", { name: 5 } as never), "invalid-argument");
      assertNothingApplied(error, 1);
      assert.equal(requests.length, 0);
      await bucket.set("b", bytes(`{"name":["${canary}"]}`));
      const unfit = await rejectsWith(users.getMany(["a", "b"]), "wrong-type");
      assert.ok(DecodeError.is(unfit));
      assert.deepEqual(unfit.indexes, [1]);
      assertNoLeak(unfit, "a value that does not fit the schema");
    },
  },
  {
    id: "same-typed-options",
    rule: "same",
    subject: "core",
    needs: ["ttl", "ifAbsent", "increment"],
    title: "a typed bucket passes on `ttl`, `ifAbsent` and prefixes, and increments like the bucket",
    async run(context) {
      const bucket = await context.bucket();
      const values = typed(bucket, json<unknown>());
      await values.set("a", 1, { ttl: farAway });
      await values.setMany([
        ["b", 2, { ttl: farAway }],
        ["c", 3],
      ]);
      const [a, b, c] = await values.ttlMany(["a", "b", "c"]);
      for (const left of [a, b]) assert.ok(typeof left === "number" && left > farAway / 2);
      assert.equal(c, null);
      const error = await values.set("a", 2, { ifAbsent: true }).catch((reason: unknown) => reason);
      assert.ok(BatchError.is(error));
      assert.equal(error.code, "precondition-failed");
      assert.equal(await values.increment("c", 4), 7n);
      assert.equal(await values.get("c"), 7);
      await values.clear({ prefix: "a", timeout: clearTimeout });
      assert.deepEqual(await listed(values, { prefix: "" }), ["b", "c"]);
      const found: string[] = [];
      for await (const key of values.keys({ prefix: "c" })) found.push(key);
      assert.deepEqual(found, ["c"]);
    },
  },
  {
    id: "same-typed-swap",
    rule: "same",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "compareAndSwap of a typed bucket compares values, even if another program stored the same JSON with spaces",
    async run(context) {
      const bucket = await context.bucket();
      const users = typed(bucket, json<User>());
      const ada = { name: "Ada", age: 1 };
      assert.deepEqual(await users.compareAndSwap("a", { expected: undefined, value: ada }), { swapped: true });
      const older = { name: "Ada", age: 2 };
      const lost = await users.compareAndSwap("a", { expected: older, value: ada });
      assert.deepEqual(lost, { swapped: false, current: ada });
      await bucket.set("a", bytes('{ "name": "Ada", "age": 1 }'));
      assert.deepEqual(await users.compareAndSwap("a", { expected: ada, value: older }), { swapped: true });
      assert.deepEqual(await users.get("a"), older);
      assert.deepEqual(await users.compareAndSwap("a", { expected: older, value: undefined }), { swapped: true });
      assert.equal(await users.get("a"), undefined);
    },
  },
  {
    id: "same-typed-swap-refused",
    rule: "same",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "compareAndSwap of a typed bucket sends nothing if a value cannot be encoded or the change is not an object",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const values = typed(await context.bucket({ wrap }), json<unknown>());
      await values.set("a", 1);
      requests.length = 0;
      for (const bad of [() => {}, 1n, Symbol("x")])
        for (const change of [
          { expected: 1, value: bad },
          { expected: bad, value: 2 },
        ])
          assertNothingApplied(await batchErrorOf(values.compareAndSwap("a", change), "invalid-argument"), 1);
      for (const change of [undefined, null, 5, "text"])
        assertNothingApplied(await batchErrorOf(values.compareAndSwap("a", change as never), "invalid-argument"), 1);
      assert.equal(requests.length, 0);
      assert.equal(await values.get("a"), 1);
    },
  },
  {
    id: "same-codecs",
    rule: "same",
    subject: "core",
    title:
      "the methods of text() and json() throw a StoreError with the code `wrong-type` for what they cannot convert",
    async run() {
      const calls: readonly (() => unknown)[] = [
        () => text().encode("\ud800"),
        () => text().encode(5 as never),
        () => text().decode(new Uint8Array([0xff])),
        () => json<unknown>().encode(undefined),
        () => json<unknown>().encode(1n),
        () => json<unknown>().decode(bytes("{")),
        () => json<unknown>().decode(new Uint8Array([0xff])),
      ];
      for (const [index, call] of calls.entries()) {
        const error = await rejectionOf((async () => call())(), `call ${index}`);
        assert.equal(error.code, "wrong-type");
      }
    },
  },
  {
    id: "same-codec-messages",
    rule: "same",
    subject: "core",
    title: "the error of a typed call contains the message of a StoreError that its codec threw, and of no other error",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("a", bytes("v"));
      const shown = new StoreError("wrong-type", "the codec explains it");
      for (const [thrown, isShown] of [
        [shown, true],
        [new Error(canary), false],
      ] as const) {
        const fail = (): never => {
          throw thrown;
        };
        const values = typed<string>(bucket, { encode: fail, decode: fail });
        for (const call of [() => values.get("a"), () => values.set("a", "v"), () => values.setMany([["a", "v"]])]) {
          const error = await rejectionOf(call());
          assert.equal(error.message.includes(shown.message), isShown, error.message);
          assert.match(error.message, /entry 0: \S+ \S+/);
          assertNoLeak(error, "a codec that fails");
        }
      }
    },
  },
];

/** Returns a codec of text that rejects the text "bad", and the turns of the event loop in which it decodes `count` values. */
function codecThatCountsTurns(count: number): { readonly codec: Codec<string>; readonly turns: ReadonlySet<number> } {
  const turns = new Set<number>();
  let decoded = 0;
  let turn = 0;
  const countTurns = (): void => {
    setImmediate(() => {
      turn++;
      if (decoded < count) countTurns();
    });
  };
  const decode = (stored: Uint8Array): string => {
    if (decoded++ === 0) countTurns();
    turns.add(turn);
    const text = new TextDecoder().decode(stored);
    if (text === "bad") throw new Error("bad");
    return text;
  };
  return { codec: { encode: bytes, decode }, turns };
}
