import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { KeysRequest } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { refused } from "../faults/engine-faults.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { faultyWrite } from "../support/faulty-write.js";
import { pause } from "../support/settles.js";

const sizeOfTornValues = 100_000;

/** Cases for rule S8: batches are not atomic, but writes of single keys are. */
export const atomicityCases: readonly ConformanceCase[] = [
  {
    id: "s08-no-rollback-of-sets",
    rule: "S8",
    subject: "core",
    wit: ["set-many 6", "set-many 7"],
    title: "if some keys of a setMany fail, the others stay set",
    async run(context) {
      const { direct } = await faultyWrite(context, {
        kind: "set",
        keys: 4,
        schedule: () => ({
          kind: "keys",
          of: (key) => (key === "k1" ? { kind: "fail", fault: refused } : undefined),
        }),
      });
      sameBytes(await direct.get("k0"), bytes("new k0"));
      sameBytes(await direct.get("k1"), bytes("old k1"));
      sameBytes(await direct.get("k3"), bytes("new k3"));
    },
  },
  {
    id: "s08-no-rollback-of-deletes",
    rule: "S8",
    subject: "core",
    wit: ["delete-many 5", "delete-many 6"],
    title: "if some keys of a deleteMany fail, the others stay deleted",
    async run(context) {
      const { direct } = await faultyWrite(context, {
        kind: "delete",
        keys: 4,
        schedule: () => ({
          kind: "keys",
          of: (key) => (key === "k1" ? { kind: "fail", fault: refused } : undefined),
        }),
      });
      assert.equal(await direct.exists("k0"), false);
      sameBytes(await direct.get("k1"), bytes("old k1"));
      assert.equal(await direct.exists("k3"), false);
    },
  },
  {
    id: "s08-partial-sets-are-seen",
    rule: "S8",
    subject: "core",
    wit: ["set-many 8"],
    title: "another client can read some keys of a setMany before the call resolves, each with its whole value",
    async run(context) {
      const { writer, reader, release } = await halting(context);
      const writing = writer.setMany([
        ["a", bytes("1")],
        ["b", bytes("2")],
      ]);
      await eventually(async () => (await reader.get("a")) !== undefined);
      sameBytes(await reader.get("a"), bytes("1"));
      assert.equal(await reader.get("b"), undefined);
      release();
      await writing;
      sameBytes(await reader.get("b"), bytes("2"));
    },
  },
  {
    id: "s08-partial-deletes-are-seen",
    rule: "S8",
    subject: "core",
    wit: ["delete-many 7"],
    title: "another client can see that some keys of a deleteMany are deleted before the call resolves",
    async run(context) {
      const { writer, reader, release } = await halting(context);
      await reader.setMany([
        ["a", bytes("1")],
        ["b", bytes("2")],
      ]);
      const deleting = writer.deleteMany(["a", "b"]);
      await eventually(async () => !(await reader.exists("a")));
      sameBytes(await reader.get("b"), bytes("2"));
      release();
      await deleting;
      assert.equal(await reader.exists("b"), false);
    },
  },
  {
    id: "s08-values-are-never-torn",
    rule: "S8",
    subject: "driver",
    wit: ["get-many 4"],
    title: "while clients overwrite the same keys with large values, every read returns one whole value",
    async run(context) {
      const name = context.bucketName();
      const writers = [await context.bucket({ name }), await context.bucket({ name })];
      const reader = await context.bucket({ name });
      const size = Math.min(sizeOfTornValues, reader.limits.maxValueBytes);
      const versions = Array.from({ length: 4 }, (_, mark) => pattern(size - mark, mark + 1));
      const keys = ["a", "b", "c"];
      await reader.setMany(keys.map((key) => [key, versions[0] as Uint8Array]));
      let writing = true;
      const writes = writers.map(async (writer, index) => {
        for (let round = 0; round < 8; round++) {
          const value = versions[(round + index) % versions.length] as Uint8Array;
          await writer.setMany((index ? keys : [...keys].reverse()).map((key) => [key, value]));
        }
      });
      const done = Promise.allSettled(writes).finally(() => {
        writing = false;
      });
      try {
        while (writing) for (const answer of await reader.getMany(keys)) assertWhole(answer?.[1], versions);
      } finally {
        await done;
      }
      await Promise.all(writes);
    },
  },
  {
    id: "s08-set-beside-delete",
    rule: "S8",
    subject: "driver",
    wit: ["get-many 4"],
    title:
      "while clients set and delete the same keys, every read returns a whole value or undefined, and no call fails",
    async run(context) {
      const name = context.bucketName();
      const [setter, deleter, reader] = [
        await context.bucket({ name }),
        await context.bucket({ name }),
        await context.bucket({ name }),
      ];
      const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
      const value = pattern(2_000);
      const repeat = async (body: () => Promise<unknown>): Promise<void> => {
        for (let round = 0; round < 10; round++) await body();
      };
      const settled = await Promise.allSettled([
        repeat(() => setter.setMany(keys.map((key) => [key, value]))),
        repeat(() => deleter.deleteMany([...keys].reverse())),
        repeat(async () => {
          for (const answer of await reader.getMany(keys)) if (answer) sameBytes(answer[1], value);
        }),
      ]);
      for (const result of settled) if (result.status === "rejected") throw result.reason;
    },
  },
];

/**
 * Opens one bucket with two clients, the writer and the reader. The writer sends the key `a` immediately, and the key
 * `b` only after the case has called `release`.
 */
async function halting(context: CaseContext): Promise<{ writer: Bucket; reader: Bucket; release: () => void }> {
  const name = context.bucketName();
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const held = async <Answer>(request: KeysRequest, send: () => Promise<Answer>): Promise<Answer> => {
    if (request.keys[0] === "b") await released;
    return send();
  };
  const writer = await context.bucket({
    name,
    store: { requestLimits: { maxKeys: 1 }, concurrency: 1 },
    wrap: (driver) =>
      wrapDriver(driver, {
        set: (request) => held(request, () => driver.set(request)),
        delete: (request) => held(request, () => driver.delete(request)),
      }),
  });
  return { writer, reader: await context.bucket({ name }), release };
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return;
    await pause(5);
  }
  assert.fail("the reader must see the write of the first key of the batch within 400 reads");
}

function assertWhole(value: Uint8Array | undefined, versions: readonly Uint8Array[]): void {
  assert.ok(value, "a read must not report a key as missing while clients overwrite the key");
  const version = versions.find(({ byteLength }) => byteLength === value.byteLength);
  assert.ok(
    version,
    `a read must return a whole value, but returned ${value.byteLength} bytes, a size that no client wrote`,
  );
  sameBytes(value, version, "a value that was read during the writes");
}
