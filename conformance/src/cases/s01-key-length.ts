import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { abilitiesOf } from "../support/abilities.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { listed } from "../support/listed.js";
import { recordRequests } from "../support/recording-driver.js";
import { batchErrorOf, rejectsWith } from "../support/rejections.js";
import { roundTrip } from "../support/round-trip.js";
import { keyOfBytes } from "../support/strings.js";

const widths = [1, 2, 3, 4] as const;

/** Cases for rule S1: keys at and around the maximum length in UTF-8 bytes. */
export const keyLengthCases: readonly ConformanceCase[] = [
  ...widths.map(
    (width): ConformanceCase => ({
      id: `s01-longest-key-of-${width}-byte-characters`,
      rule: "S1",
      subject: "driver",
      title: `keys of ${width}-byte characters are stored and listed at the maximum length and one byte below it`,
      async run(context) {
        const bucket = await context.bucket();
        const longest = bucket.limits.maxKeyBytes;
        assert.ok(longest >= 1 && longest <= 1024, `\`maxKeyBytes\` must be from 1 to 1,024, but is ${longest}`);
        const keys = [keyOfBytes(longest, width), keyOfBytes(longest - 1, width)];
        await roundTrip(bucket, keys);
        assert.deepEqual(await listed(bucket), [...keys].sort());
      },
    }),
  ),
  ...widths.map(
    (width): ConformanceCase => ({
      id: `s01-too-long-key-of-${width}-byte-characters`,
      rule: "S1",
      subject: "core",
      title: `every method rejects a key of ${width}-byte characters that is one byte too long`,
      async run(context) {
        const { requests, wrap } = recordRequests();
        const bucket = await context.bucket({ wrap });
        await refusesEverywhere(context, bucket, keyOfBytes(bucket.limits.maxKeyBytes + 1, width));
        assert.equal(requests.length, 0, "the driver must receive no request");
      },
    }),
  ),
  {
    id: "s01-length-where-widths-change",
    rule: "S1",
    subject: "core",
    title: "key length is counted in UTF-8 bytes, including for the first and last characters of each UTF-8 width",
    async run(context) {
      const bucket = await context.bucket();
      for (const point of [0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x103fff, 0x10fc00, 0x10ffff]) {
        const character = String.fromCodePoint(point);
        const width = Buffer.byteLength(character);
        const fitting = character.repeat(Math.floor(bucket.limits.maxKeyBytes / width));
        const rest = "x".repeat(bucket.limits.maxKeyBytes - Buffer.byteLength(fitting));
        assert.equal(
          await bucket.exists(fitting + rest),
          false,
          `exists must return false for a missing key with U+${point.toString(16)}`,
        );
        await rejectsWith(
          bucket.exists(`${fitting}${rest}x`),
          "too-large",
          `exists of a key with U+${point.toString(16)}`,
        );
      }
    },
  },
  {
    id: "s01-far-too-long-key",
    rule: "S1",
    subject: "core",
    title: "a key of a million characters is rejected, not truncated",
    async run(context) {
      const bucket = await context.bucket();
      await refusesEverywhere(context, bucket, "k".repeat(1_000_000));
    },
  },
  {
    id: "s01-long-keys-differ-at-the-end",
    rule: "S1",
    subject: "driver",
    title: "keys of the maximum length that differ only in the last character are different keys",
    async run(context) {
      const bucket = await context.bucket();
      const start = "k".repeat(bucket.limits.maxKeyBytes - 1);
      await roundTrip(bucket, [`${start}a`, `${start}b`, start]);
    },
  },
  {
    id: "s01-hardly-compressible-key",
    rule: "S1",
    subject: "driver",
    title:
      "a key of the maximum length is stored even if its characters are random, so that an index cannot compress it",
    async run(context) {
      const bucket = await context.bucket();
      const random = crypto.getRandomValues(new Uint8Array(bucket.limits.maxKeyBytes));
      const key = String.fromCharCode(...random.map((byte) => 33 + (byte % 94)));
      await bucket.set(key, bytes("here"));
      sameBytes(await bucket.get(key), bytes("here"));
    },
  },
];

async function refusesEverywhere(context: CaseContext, bucket: Bucket, key: string): Promise<void> {
  await rejectsWith(bucket.get(key), "too-large", "get");
  await rejectsWith(bucket.exists(key), "too-large", "exists");
  await rejectsWith(bucket.getMany(["a", key]), "too-large", "getMany");
  await rejectsWith(bucket.getMap(["a", key]), "too-large", "getMap");
  await rejectsWith(bucket.existsMany(["a", key]), "too-large", "existsMany");
  await batchErrorOf(bucket.set(key, bytes("v")), "too-large", "set");
  await batchErrorOf(bucket.delete(key), "too-large", "delete");
  await batchErrorOf(bucket.setMany([[key, bytes("v")]]), "too-large", "setMany");
  await batchErrorOf(bucket.deleteMany([key, "a"]), "too-large", "deleteMany");
  const abilities = await abilitiesOf(context);
  const change = { expected: undefined, value: bytes("v") };
  if (abilities.ttl) await rejectsWith(bucket.ttlMany(["a", key]), "too-large", "ttlMany");
  if (abilities.ifAbsent)
    await batchErrorOf(bucket.set(key, bytes("v"), { ifAbsent: true }), "too-large", "set with `ifAbsent`");
  if (abilities.increment) await batchErrorOf(bucket.increment(key), "too-large", "increment");
  if (abilities.compareAndSwap) await batchErrorOf(bucket.compareAndSwap(key, change), "too-large", "compareAndSwap");
}
