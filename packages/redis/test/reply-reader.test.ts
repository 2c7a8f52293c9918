import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Reply } from "../src/protocol/exchange.js";
import { MalformedReply } from "../src/protocol/malformed-reply.js";
import { ReplyReader } from "../src/protocol/reply-reader.js";

/** What a reply is as bytes, and what is to be read from them. */
interface Sample {
  readonly bytes: Buffer;
  readonly reply: Reply;
}

const line = (text: string): Buffer => Buffer.from(`${text}\r\n`);
const text = fc.string({ unit: "grapheme" }).map((each) => each.replace(/[\r\n]/g, " "));

const simple = fc
  .oneof(text, fc.constant("OK"))
  .map((reply): Sample => ({ bytes: line(`+${reply}`), reply }));
const error = text.map((message): Sample => ({ bytes: line(`-${message}`), reply: new Error(message) }));
const integer = fc
  .oneof(fc.maxSafeInteger(), fc.integer({ min: -9, max: 99 }))
  .map((reply): Sample => ({ bytes: line(`:${reply}`), reply }));
const bulk = fc
  .oneof(
    { weight: 8, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    // About where values stop to share memory, and where more than one share does not hold them.
    fc.integer({ min: 4_000, max: 9_000 }).map((length) => new Uint8Array(length).fill(length)),
  )
  .map((reply): Sample => ({ bytes: Buffer.concat([line(`$${reply.length}`), reply, line("")]), reply }));
const nothing = fc.constantFrom<Sample>(
  { bytes: line("$-1"), reply: null },
  { bytes: line("*-1"), reply: null },
);
const { sample } = fc.letrec<{ sample: Sample; array: Sample }>((tie) => ({
  sample: fc.oneof(
    { maxDepth: 7, depthSize: "small" },
    { weight: 4, arbitrary: bulk },
    simple,
    error,
    integer,
    nothing,
    tie("array"),
  ),
  array: fc.array(tie("sample"), { maxLength: 12 }).map((items) => ({
    bytes: Buffer.concat([line(`*${items.length}`), ...items.map(({ bytes }) => bytes)]),
    reply: items.map(({ reply }) => reply),
  })),
}));

/** Reads bytes that are cut after each of so many. */
function readCut(bytes: Buffer, lengths: readonly number[]): Reply[] {
  const replies: Reply[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply));
  let from = 0;
  for (let each = 0; from < bytes.length; each++) {
    const to = from + (lengths.length === 0 ? bytes.length : (lengths[each % lengths.length] as number));
    // As from a socket: memory that is used again for something else.
    const chunk = Buffer.from(bytes.subarray(from, to));
    reader.read(chunk);
    chunk.fill(0xee);
    from = to;
  }
  return replies;
}

/** A reply as plain data. */
function plain(reply: Reply): unknown {
  if (reply instanceof Error) return { error: reply.message };
  if (reply instanceof Uint8Array) return { bytes: Buffer.from(reply).toString("latin1") };
  return Array.isArray(reply) ? reply.map(plain) : reply;
}

function bulksOf(reply: Reply): Uint8Array[] {
  if (reply instanceof Uint8Array) return [reply];
  return Array.isArray(reply) ? reply.flatMap(bulksOf) : [];
}

const cuts = fc.oneof(
  fc.constant([]),
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
  fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1 }),
);

test("reads any replies, wherever they are cut", () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 8 }), cuts, (samples, lengths) => {
      const read = readCut(Buffer.concat(samples.map(({ bytes }) => bytes)), lengths);
      assert.deepEqual(
        read.map(plain),
        samples.map(({ reply }) => plain(reply)),
      );
    }),
    { numRuns: 2_000 },
  );
});

test("gives values that are plain arrays and do not overlap", () => {
  fc.assert(
    fc.property(fc.array(bulk, { minLength: 1, maxLength: 50 }), cuts, (samples, lengths) => {
      const bulks = readCut(Buffer.concat(samples.map(({ bytes }) => bytes)), lengths).flatMap(bulksOf);
      for (const [index, each] of bulks.entries()) each.fill(index);
      for (const [index, each] of bulks.entries()) {
        assert.equal(each.constructor, Uint8Array);
        assert.ok(each.every((byte) => byte === index));
      }
    }),
  );
});

test("keeps no more than 8 KiB for a small value", () => {
  const bytes = Buffer.concat(
    Array.from({ length: 500 }, () => Buffer.from(`$100\r\n${"x".repeat(100)}\r\n`)),
  );
  for (const value of readCut(bytes, []).flatMap(bulksOf))
    expect(value.buffer.byteLength).toBeLessThanOrEqual(8_192);
  const [large] = readCut(Buffer.from(`$5000\r\n${"x".repeat(5_000)}\r\n:1\r\n`), []).flatMap(bulksOf);
  expect(large?.buffer.byteLength).toBe(5_000);
});

test("names error replies as ioredis does", () => {
  const [reply] = readCut(Buffer.from("-MOVED 3999 127.0.0.1:6381\r\n"), []);
  expect(reply).toMatchObject({ name: "ReplyError", message: "MOVED 3999 127.0.0.1:6381" });
});

describe("refuses", () => {
  const malformed: Readonly<Record<string, string>> = {
    "a type that there is not": "?what\r\n",
    "a type of RESP3": "_\r\n",
    "a type that there is not, before the line ends": "HTTP/1.1 400 Bad Request",
    "an empty line": "\r\n",
    "a line that ends in a line feed alone": "+OK\n",
    "a carriage return in a line": "+O\rK\r\n",
    "a line without an end": `+${"x".repeat(70_000)}`,
    "a number without an end": ":1111111111111111111111111",
    "an integer that is none": ":1x\r\n",
    "an empty integer": ":\r\n",
    "a length that is none": "$x\r\nhello\r\n",
    "an empty length": "$\r\n\r\n",
    "an empty length before a value": "$\r\nhello, how are you?\r\n",
    "a negative length": "$-2\r\n",
    "a negative length before a value": "$-2\r\nhello, how are you?\r\n",
    "a length with a sign": "$+5\r\nhello\r\n",
    "a length over 512 MB": "$536870913\r\n",
    "a length that no number holds": `$${"9".repeat(400)}\r\n`,
    "a value that is longer than it says": "$5\r\nhello!\r\nand more\r\n",
    "a value that is shorter than it says": "$12\r\nhello\r\n$5\r\nhello\r\n",
    "a value that ends in a carriage return alone": "$5\r\nhello\r$5\r\nhello\r\n",
    "a negative array": "*-2\r\n",
    "an array that is larger than anything asked for": "*1048577\r\n",
    "arrays that are nested too deeply": "*1\r\n".repeat(9),
    "something else within an array": "*2\r\n$5\r\nhello\r\nhello\r\n",
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    test(what, () => {
      for (const lengths of [[], [1], [2], [7]]) {
        for (const before of ["", "+OK\r\n", "*2\r\n:1\r\n"]) {
          expect(() => readCut(Buffer.from(before + bytes), lengths)).toThrow(MalformedReply);
        }
      }
    });
  }

  test("whatever comes, and fails in no other way", () => {
    const words = fc.constantFrom(
      "$",
      "*",
      "+",
      "-",
      ":",
      "\r\n",
      "\r",
      "\n",
      "-1",
      "0",
      "1",
      "5",
      "12",
      "hello",
    );
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 100 }).map((each) => Buffer.from(each)),
      fc.array(words, { maxLength: 40 }).map((each) => Buffer.from(each.join(""))),
    );
    fc.assert(
      fc.property(noise, cuts, (bytes, lengths) => {
        const outcomes = [lengths, []].map((each) => {
          try {
            return readCut(bytes, each).map(plain);
          } catch (error) {
            assert.ok(error instanceof MalformedReply);
            return "refused";
          }
        });
        assert.deepEqual(outcomes[0], outcomes[1]);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("a large reply", () => {
  const mebibyte = 1_048_576;

  test("takes memory as it comes, not as it says", () => {
    const reader = new ReplyReader(() => {});
    const before = process.memoryUsage().arrayBuffers;
    reader.read(Buffer.from(`*1048576\r\n$${512 * mebibyte}\r\n`));
    reader.read(Buffer.alloc(65_536));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * mebibyte);
  });

  test("of one value ends in memory of just its size, in time that grows with it", () => {
    const length = 64 * mebibyte;
    const replies: Reply[] = [];
    const reader = new ReplyReader((reply) => replies.push(reply));
    const chunk = Buffer.alloc(65_536, 7);
    const start = performance.now();
    reader.read(Buffer.from(`$${length}\r\n`));
    for (let sent = 0; sent < length; sent += chunk.length) reader.read(chunk);
    reader.read(line(""));
    // To go over what came before at each chunk would take a minute.
    expect(performance.now() - start).toBeLessThan(5_000);
    const [value] = replies.flatMap(bulksOf);
    expect(value?.length).toBe(length);
    expect(value?.buffer.byteLength).toBe(length);
    expect(value?.[length - 1]).toBe(7);
  });

  test("of many values takes time that grows with it", () => {
    const count = 300_000;
    const bytes = Buffer.concat([line(`*${count}`), Buffer.from("$10\r\n0123456789\r\n".repeat(count))]);
    const start = performance.now();
    const [reply] = readCut(bytes, [1_000]);
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(reply).toHaveLength(count);
  });
});
