import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { encodeGet, encodeKeys, encodeSet, type KeyedCommands, Tail } from "../src/protocol/encode-command.js";

/** Encodes commands in the simplest way, for comparison. */
function plainly({ opening = "", headOf, prefix, keys, indexes, values, tailOf, closing }: KeyedCommands): Buffer {
  const parts: Uint8Array[] = [Buffer.from(opening)];
  const bulk = (bytes: Uint8Array): void => {
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  };
  for (const index of indexes ?? keys.keys()) {
    const tail = tailOf?.(index) ?? new Tail();
    if (headOf !== undefined) parts.push(Buffer.from(headOf(tail)));
    bulk(Buffer.from(prefix + keys[index]));
    if (values !== undefined) bulk(values[index] as Uint8Array);
    for (const word of wordsOf(tail)) bulk(Buffer.from(word));
  }
  for (const word of closing === undefined ? [] : wordsOf(closing)) bulk(Buffer.from(word));
  return Buffer.concat(parts);
}

/** The words of a tail contain no line ends, so they can be found in its text. */
function wordsOf({ text }: Tail): string[] {
  return text.split("\r\n").filter((_, number) => number > 0 && number % 2 === 0);
}

const tails = [new Tail(), new Tail("NX"), new Tail("PX", "500"), new Tail("NX", "PX", "123456")];
const key = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
const commands = fc
  .record({
    opening: fc.constantFrom("", "*3\r\n$4\r\nMGET\r\n"),
    headOf: fc.constantFrom(undefined, (tail: Tail) => `*${2 + tail.count}\r\n$3\r\nGET\r\n`),
    tailOf: fc.option(
      fc
        .array(fc.nat(tails.length - 1), { minLength: 1 })
        .map((chosen) => (index: number) => tails[chosen[index % chosen.length] as number] as Tail),
      { nil: undefined },
    ),
    closing: fc.constantFrom(...tails),
    prefix: fc.constantFrom("{}b:", "{}another:"),
    entries: fc.array(fc.tuple(key, fc.uint8Array({ maxLength: 40 }), fc.boolean()), {
      minLength: 1,
      maxLength: 30,
    }),
    valued: fc.boolean(),
    partial: fc.boolean(),
  })
  .map(({ entries, valued, partial, ...rest }): KeyedCommands => {
    const chosen = entries.flatMap(([, , picked], index) => (picked ? [index] : []));
    return {
      ...rest,
      keys: entries.map(([each]) => each),
      values: valued ? entries.map(([, value]) => value) : undefined,
      indexes: partial && chosen.length > 0 ? chosen : undefined,
    };
  });

test("keys and values with any content are encoded as bulk strings", () => {
  fc.assert(
    fc.property(commands, (each) => {
      const wellFormed = { ...each, keys: each.keys.map((one) => one.toWellFormed()) };
      assert.ok(encodeKeys(wellFormed).equals(plainly(wellFormed)));
    }),
    { numRuns: 2_000 },
  );
});

test("a command for one key is encoded like a command for many", () => {
  const prefix = "{}b:";
  fc.assert(
    fc.property(key, fc.uint8Array({ maxLength: 5_000 }), (each, value) => {
      const keys = [each.toWellFormed()] as const;
      const get = plainly({ headOf: () => "*2\r\n$3\r\nGET\r\n", prefix, keys });
      assert.ok(Buffer.from(encodeGet(prefix, keys)).equals(get));
      const set = plainly({ headOf: () => "*3\r\n$3\r\nSET\r\n", prefix, keys, values: [value] });
      assert.ok(encodeSet(prefix, keys, [value]).equals(set));
    }),
  );
});
