import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { recordRequests } from "../support/recording-driver.js";
import { batchErrorOf } from "../support/rejections.js";

/** Call options with a timeout of 100 seconds, because a slow engine needs many seconds to store tens of megabytes. */
const patient = { timeout: 100_000 };

/** Cases for rule S2: values of many lengths, up to and above the maximum that the backend declares. */
export const valueLengthCases: readonly ConformanceCase[] = [
  {
    id: "s02-longest-value",
    rule: "S2",
    subject: "driver",
    alone: true,
    title: "set stores and get returns a value of the maximum length",
    async run(context) {
      const bucket = await context.bucket();
      const value = pattern(bucket.limits.maxValueBytes);
      await bucket.set("key", value, patient);
      sameBytes(await bucket.get("key", patient), value);
    },
  },
  {
    id: "s02-longest-value-less-one",
    rule: "S2",
    subject: "driver",
    alone: true,
    title: "setMany stores and getMany returns a value one byte below the maximum length, next to a small value",
    async run(context) {
      const bucket = await context.bucket();
      const value = pattern(bucket.limits.maxValueBytes - 1, 2);
      await bucket.setMany(
        [
          ["large", value],
          ["small", bytes("small")],
        ],
        patient,
      );
      const [small, large] = await bucket.getMany(["small", "large"], patient);
      sameBytes(large?.[1], value);
      sameBytes(small?.[1], bytes("small"));
    },
  },
  tooLong("s02-one-byte-too-long", "the maximum length plus one byte", (longest) => longest + 1),
  tooLong("s02-three-times-too-long", "three times the maximum length plus one byte", (longest) => 3 * longest + 1),
  {
    id: "s02-sizes-around-powers-of-two",
    rule: "S2",
    subject: "driver",
    title: "values with sizes around each power of two up to 131,072 bytes are stored unchanged",
    async run(context) {
      const bucket = await context.bucket();
      const sizes = Array.from({ length: 18 }, (_, power) => 2 ** power)
        .flatMap((size) => [size - 1, size, size + 1])
        .filter((size) => size <= bucket.limits.maxValueBytes);
      await bucket.setMany(sizes.map((size, index) => [`key ${index}`, pattern(size, index)]));
      const answers = await bucket.getMany(sizes.map((_, index) => `key ${index}`));
      for (const [index, size] of sizes.entries()) sameBytes(answers[index]?.[1], pattern(size, index));
    },
  },
];

function tooLong(id: string, size: string, sizeOf: (longest: number) => number): ConformanceCase {
  return {
    id,
    rule: "S2",
    subject: "core",
    title: `a value of ${size} is rejected with \`too-large\`, and nothing is sent`,
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      await refuses(bucket, new Uint8Array(sizeOf(bucket.limits.maxValueBytes)));
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  };
}

async function refuses(bucket: Bucket, value: Uint8Array): Promise<void> {
  await batchErrorOf(bucket.set("key", value), "too-large", "set");
  await batchErrorOf(
    bucket.setMany([
      ["small", bytes("v")],
      ["key", value],
    ]),
    "too-large",
    "setMany",
  );
}
