import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { valueArray } from "../src/protocol/byte-array.js";
import { DataRow } from "../src/protocol/data-row.js";
import { keyArray } from "../src/protocol/key-array.js";
import { KeyLookup } from "../src/protocol/key-lookup.js";
import { MalformedAnswer } from "../src/protocol/malformed-answer.js";
import { MessageReader } from "../src/protocol/message-reader.js";
import { readFields } from "../src/protocol/response-fields.js";
import { keyOrder } from "../src/table/key-order.js";
import { openCursor, sealCursor } from "../src/table/list-cursor.js";

function message(letter: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(letter);
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

test("messages are the same however the stream is cut", () => {
  const bodies = ["", "a", "bc", "x".repeat(300)].map((body) => Buffer.from(body));
  const stream = Buffer.concat(bodies.map((body) => message("m", body)));
  for (let size = 1; size <= stream.length; size++) {
    const seen: Buffer[] = [];
    const reader = new MessageReader((bytes, start, end) => {
      seen.push(Buffer.from(bytes.subarray(start + 5, end)));
      return true;
    });
    for (let from = 0; from < stream.length; from += size) reader.read(stream.subarray(from, from + size));
    assert.deepEqual(seen, bodies);
  }
});

test("a reader that is told to stop gives back the rest, whole or in pieces", () => {
  const stream = Buffer.concat([
    message("a", Buffer.from("1")),
    message("z", Buffer.from("2")),
    Buffer.from("rest"),
  ]);
  for (let cut = 0; cut <= 11; cut++) {
    const reader = new MessageReader((bytes, start) => bytes[start] !== "z".charCodeAt(0));
    assert.equal(reader.read(stream.subarray(0, cut)), undefined);
    assert.equal(reader.read(stream.subarray(cut))?.toString(), "rest");
  }
});

test("a length that the protocol does not allow is malformed", () => {
  for (const length of [-1, 0, 3, 0x7fff_ffff]) {
    const bytes = Buffer.from("D....");
    bytes.writeInt32BE(length, 1);
    assert.throws(() => new MessageReader(() => true).read(bytes), MalformedAnswer);
  }
});

test("a row whose fields do not fit into it is malformed", () => {
  const row = new DataRow();
  const field = (length: number, bytes: string): Buffer => {
    const head = Buffer.alloc(6);
    head.writeInt32BE(length, 2);
    return message("D", Buffer.concat([head, Buffer.from(bytes)]));
  };
  for (const bad of [
    field(-1, ""),
    field(4, "abc"),
    field(0x7fff_ffff, "abc"),
    message("D", Buffer.alloc(2)),
  ]) {
    row.open(bad, 0, bad.length);
    assert.throws(() => row.bytes(), MalformedAnswer);
  }
  for (const bad of [field(3, "abc"), field(9, "123456789")]) {
    row.open(bad, 0, bad.length);
    assert.throws(() => row.integer(), MalformedAnswer);
  }
  const good = field(3, "abc");
  row.open(good, 0, good.length);
  const value = row.bytes();
  assert.equal(value.constructor, Uint8Array);
  assert.deepEqual(value, new Uint8Array([97, 98, 99]));
});

test("arrays are as the server takes them, in any order, for keys of any character", () => {
  const order = [4, 3, 2, 1, 0];
  for (const keys of [
    ["b", "", "é\u0000", "😀", "x".repeat(100)],
    ["b", "", "\u0000", "\u007f", "x".repeat(125)],
    ["b", "", "x".repeat(126), "\u007f", "x".repeat(1024)],
  ]) {
    const encoded = keys.map((key) => new TextEncoder().encode(`p:${key}`));
    for (const parameter of [keyArray("p:", keys, order), valueArray(encoded, order)]) {
      const bytes = Buffer.alloc(parameter.capacity);
      const end = parameter.write(bytes, 0);
      assert.ok(end <= parameter.capacity);
      assert.deepEqual(
        [0, 4, 8, 12, 16].map((at) => bytes.readInt32BE(at)),
        [1, 0, 17, 5, 1],
      );
      let offset = 20;
      for (const index of order) {
        const length = bytes.readInt32BE(offset);
        assert.equal(bytes.toString("utf8", offset + 4, offset + 4 + length), `p:${keys[index]}`);
        offset += 4 + length;
      }
      assert.equal(offset, end);
    }
  }
});

test("keys are ordered as their bytes are", () => {
  const unit = fc.constantFrom(
    "",
    "a",
    "b",
    "\0",
    "\u007f",
    "\u0080",
    "é",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "😀",
  );
  const ascii = fc.constantFrom("a", "b", "\0", "\u007f");
  const key = (characters: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.array(characters, { maxLength: 12 }).map((each) => each.join(""));
  const keys = fc.oneof(fc.uniqueArray(key(unit)), fc.uniqueArray(key(ascii)));
  fc.assert(
    fc.property(keys, key(unit), (ends, start) => {
      const mixed = ["", ...ends].map((end) => start + end);
      const distinct = [...new Set(mixed)];
      const order = keyOrder(distinct) ?? distinct.map((_key, index) => index);
      const ordered = order.map((index) => Buffer.from(distinct[index] as string));
      assert.equal(ordered.length, distinct.length);
      assert.deepEqual(ordered, [...distinct].map((each) => Buffer.from(each)).sort(Buffer.compare));
    }),
    { numRuns: 2_000 },
  );
  assert.equal(keyOrder(["a", "b", "é", "\uffff", "😀"]), undefined);
  assert.equal(keyOrder(["a", "a:000001", "a:000002", "b"]), undefined);
});

test("a cursor opens for what sealed it, and nothing else does", () => {
  for (const key of ["", "a", "é\u0000😀"]) assert.equal(openCursor(sealCursor(key), 1024).toString(), key);
  for (const bad of ["?", "YQ==", "_w", "a", `${sealCursor("x".repeat(1025))}`, "YQ "]) {
    assert.throws(() => openCursor(bad, 1024), { name: "FaultError" });
  }
});

test("fields of an error that do not end within its message are malformed", () => {
  const fields = "SERROR\0C42P01\0Mno such table\0";
  const whole = message("E", Buffer.from(`${fields}\0`));
  assert.equal(readFields(whole, 0, whole.length).get("C"), "42P01");
  for (const cut of ["", fields, fields.slice(0, -1), "S", "SERROR"]) {
    const bad = message("E", Buffer.from(cut));
    const following = Buffer.concat([bad, whole]);
    assert.throws(() => readFields(following, 0, bad.length), MalformedAnswer);
  }
});

test("keys of an answer are found by their bytes, and no others", () => {
  const key = fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(fc.uniqueArray(key, { minLength: 1, maxLength: 60 }), fc.array(key), (keys, others) => {
      const wellFormed = [...new Set(keys.map((each) => each.toWellFormed()))];
      const prefix = "bucket:";
      const lookup = new KeyLookup(prefix, wellFormed);
      const bytes = Buffer.alloc(lookup.capacity + 3);
      const written = bytes.subarray(3, lookup.write(bytes, 3));
      const plain = keyArray(prefix, wellFormed, undefined);
      const expected = Buffer.alloc(plain.capacity);
      assert.ok(written.equals(expected.subarray(0, plain.write(expected, 0))));
      const find = (name: string): number => {
        const answer = Buffer.from(`[${name}]`);
        return lookup.placeOf(answer, 1, answer.length - 1);
      };
      for (const [place, each] of wellFormed.entries()) assert.equal(find(`bucket:${each}`), place);
      for (const other of others.map((each) => each.toWellFormed())) {
        assert.equal(find(`bucket:${other}`), wellFormed.indexOf(other));
        assert.equal(find(`tucket:${other}`), -1);
      }
    }),
    { numRuns: 500 },
  );
});
