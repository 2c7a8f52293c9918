import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedReply, type Reply } from "../src/protocol/reply.js";
import { ReplyReader } from "../src/protocol/reply-reader.js";

/** The bytes of a reply and the result of reading them. */
interface Sample {
  readonly bytes: Buffer;
  readonly reply: Reply;
}

const line = (text: string): Buffer => Buffer.from(`${text}\r\n`);
const text = fc.string({ unit: "grapheme" }).map((each) => each.replace(/[\r\n]/g, " "));

const simple = fc.oneof(text, fc.constant("OK")).map((reply): Sample => ({ bytes: line(`+${reply}`), reply }));
const error = text.map((message): Sample => ({ bytes: line(`-${message}`), reply: new Error(message) }));
const integer = fc
  .oneof(fc.maxSafeInteger(), fc.integer({ min: -9, max: 99 }))
  .map((reply): Sample => ({ bytes: line(`:${reply}`), reply }));
const bulk = fc
  .oneof(
    { weight: 8, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    // These lengths include the size above which values do not share memory.
    fc.integer({ min: 4_000, max: 9_000 }).map((length) => new Uint8Array(length).fill(length)),
  )
  .map((reply): Sample => ({ bytes: Buffer.concat([line(`$${reply.length}`), reply, line("")]), reply }));
const nothing = fc.constantFrom<Sample>({ bytes: line("$-1"), reply: null }, { bytes: line("*-1"), reply: null });
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

/**
 * Reads bytes in chunks and returns the replies.
 *
 * @param lengths - the lengths of the chunks, in a cycle; an empty list puts all bytes into one chunk
 * @param ownsChunks - whether the reader may keep the chunks; if not, each chunk is overwritten after the read
 */
function readCut(bytes: Buffer, lengths: readonly number[], ownsChunks: boolean): Reply[] {
  const replies: Reply[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply), { ownsChunks });
  let from = 0;
  for (let each = 0; from < bytes.length; each++) {
    const to = from + (lengths.length === 0 ? bytes.length : (lengths[each % lengths.length] as number));
    const chunk = Buffer.from(new Uint8Array(bytes.subarray(from, to)).buffer);
    reader.read(chunk);
    if (!ownsChunks) chunk.fill(0xee);
    from = to;
  }
  return replies;
}

/** Returns a reply as plain data, so that `assert.deepEqual` compares only the content. */
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

test("reads all replies correctly, no matter where chunks end", () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 8 }), cuts, fc.boolean(), (samples, lengths, owns) => {
      const read = readCut(Buffer.concat(samples.map(({ bytes }) => bytes)), lengths, owns);
      assert.deepEqual(
        read.map(plain),
        samples.map(({ reply }) => plain(reply)),
      );
    }),
    { numRuns: 2_000 },
  );
});

test("returns values that are plain arrays and do not overlap", () => {
  fc.assert(
    fc.property(fc.array(bulk, { minLength: 1, maxLength: 50 }), cuts, fc.boolean(), (samples, lengths, owns) => {
      const bulks = readCut(Buffer.concat(samples.map(({ bytes }) => bytes)), lengths, owns).flatMap(bulksOf);
      for (const [index, each] of bulks.entries()) each.fill(index);
      for (const [index, each] of bulks.entries()) {
        assert.equal(each.constructor, Uint8Array);
        assert.ok(each.every((byte) => byte === index));
      }
    }),
  );
});

test("a value keeps at most 8 KiB in memory, or 64 times its size", () => {
  for (const length of [1, 100, 1_000, 1_024, 3_000, 5_000, 10_000]) {
    const one = Buffer.from(`$${length}\r\n${"x".repeat(length)}\r\n`);
    const many = Buffer.concat(Array.from({ length: Math.ceil(60_000 / length) }, () => one));
    for (const bytes of [one, many]) {
      for (const value of readCut(bytes, [65_536], true).flatMap(bulksOf))
        expect(value.buffer.byteLength).toBeLessThanOrEqual(Math.max(8_192, 64 * length));
    }
  }
});

test("a value that fills most of a socket's chunk is a view of the chunk, not a copy", () => {
  const chunk = Buffer.from(new Uint8Array(Buffer.from(`$5000\r\n${"x".repeat(5_000)}\r\n`)).buffer);
  for (const ownsChunks of [true, false]) {
    const replies: Reply[] = [];
    new ReplyReader((reply) => replies.push(reply), { ownsChunks }).read(chunk);
    const [value] = replies.flatMap(bulksOf);
    expect(value?.buffer === chunk.buffer).toBe(ownsChunks);
  }
});

test("names error replies as ioredis does", () => {
  const [reply] = readCut(Buffer.from("-MOVED 3999 127.0.0.1:6381\r\n"), [], true);
  expect(reply).toMatchObject({ name: "ReplyError", message: "MOVED 3999 127.0.0.1:6381" });
});

describe("rejects", () => {
  const malformed: Readonly<Record<string, string>> = {
    "an unknown type": "?what\r\n",
    "a type of RESP3": "_\r\n",
    "an unknown type, before the line ends": "HTTP/1.1 400 Bad Request",
    "an empty line": "\r\n",
    "a line that ends with only a line feed": "+OK\n",
    "a carriage return in a line": "+O\rK\r\n",
    "a text line without an end": `+${"x".repeat(70_000)}`,
    "a number without an end": ":1111111111111111111111111",
    "an invalid integer": ":1x\r\n",
    "an empty integer": ":\r\n",
    "an invalid length": "$x\r\nhello\r\n",
    "an empty length": "$\r\n\r\n",
    "an empty length before a value": "$\r\nhello, how are you?\r\n",
    "a negative length": "$-2\r\n",
    "a negative length before a value": "$-2\r\nhello, how are you?\r\n",
    "a length with a sign": "$+5\r\nhello\r\n",
    "a length over 512 MB": "$536870913\r\n",
    "a length of 400 digits": `$${"9".repeat(400)}\r\n`,
    "a value that is longer than its declared length": "$5\r\nhello!\r\nand more\r\n",
    "a value that is shorter than its declared length": "$12\r\nhello\r\n$5\r\nhello\r\n",
    "a value that ends with only a carriage return": "$5\r\nhello\r$5\r\nhello\r\n",
    "an array with a negative length": "*-2\r\n",
    "an array with more than 1,048,576 items": "*1048577\r\n",
    "arrays that are nested more than 8 levels deep": "*1\r\n".repeat(9),
    "an unknown type within an array": "*2\r\n$5\r\nhello\r\nhello\r\n",
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    test(what, () => {
      for (const lengths of [[], [1], [2], [7]]) {
        for (const before of ["", "+OK\r\n", "*2\r\n:1\r\n"]) {
          expect(() => readCut(Buffer.from(before + bytes), lengths, true)).toThrow(MalformedReply);
        }
      }
    });
  }

  test("random bytes that are not replies, always with MalformedReply", () => {
    const words = fc.constantFrom("$", "*", "+", "-", ":", "\r\n", "\r", "\n", "-1", "0", "1", "5", "12", "hello");
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 100 }).map((each) => Buffer.from(each)),
      fc.array(words, { maxLength: 40 }).map((each) => Buffer.from(each.join(""))),
    );
    fc.assert(
      fc.property(noise, cuts, (bytes, lengths) => {
        const outcomes = [lengths, []].map((each) => {
          try {
            return readCut(bytes, each, true).map(plain);
          } catch (error) {
            assert.ok(error instanceof MalformedReply);
            return "rejected";
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

  test("takes memory for the bytes that have arrived, not for its declared length", () => {
    const reader = new ReplyReader(() => {});
    const before = process.memoryUsage().arrayBuffers;
    reader.read(Buffer.from(`*1048576\r\n$${512 * mebibyte}\r\n`));
    reader.read(Buffer.alloc(65_536));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * mebibyte);
  });

  test("of one value takes memory of exactly its size, and time in proportion to its size", () => {
    const length = 64 * mebibyte;
    const replies: Reply[] = [];
    const reader = new ReplyReader((reply) => replies.push(reply));
    const chunk = Buffer.alloc(65_536, 7);
    const start = performance.now();
    reader.read(Buffer.from(`$${length}\r\n`));
    for (let sent = 0; sent < length; sent += chunk.length) reader.read(chunk);
    reader.read(line(""));
    // If each chunk caused a copy of all bytes so far, this would take a minute.
    expect(performance.now() - start).toBeLessThan(5_000);
    const [value] = replies.flatMap(bulksOf);
    expect(value?.length).toBe(length);
    expect(value?.buffer.byteLength).toBe(length);
    expect(value?.[length - 1]).toBe(7);
  });

  test("of many values takes time in proportion to their number", () => {
    const count = 300_000;
    const bytes = Buffer.concat([line(`*${count}`), Buffer.from("$10\r\n0123456789\r\n".repeat(count))]);
    const start = performance.now();
    const [reply] = readCut(bytes, [1_000], true);
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(reply).toHaveLength(count);
  });
});
