import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { encodeGet, encodeKeys, encodeSet, type KeyedCommands } from "../src/protocol/encode-command.js";

/** Encodes commands in the simplest way, for comparison. */
function plainly({ opening = "", head = "", prefix, keys, indexes, values }: KeyedCommands): Buffer {
  const parts: Uint8Array[] = [Buffer.from(opening)];
  const bulk = (bytes: Uint8Array): void => {
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  };
  for (const index of indexes ?? keys.keys()) {
    parts.push(Buffer.from(head));
    bulk(Buffer.from(prefix + keys[index]));
    if (values !== undefined) bulk(values[index] as Uint8Array);
  }
  return Buffer.concat(parts);
}

const key = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
const commands = fc
  .record({
    opening: fc.constantFrom("", "*3\r\n$4\r\nMGET\r\n"),
    head: fc.constantFrom("", "*2\r\n$3\r\nGET\r\n"),
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
      const get = plainly({ head: "*2\r\n$3\r\nGET\r\n", prefix, keys });
      assert.ok(Buffer.from(encodeGet(prefix, keys)).equals(get));
      const set = plainly({ head: "*3\r\n$3\r\nSET\r\n", prefix, keys, values: [value] });
      assert.ok(encodeSet(prefix, keys, [value]).equals(set));
    }),
  );
});
