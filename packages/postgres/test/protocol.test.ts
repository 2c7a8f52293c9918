import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { BoundStatement } from "../src/protocol/bound-statement.js";
import { DataRow } from "../src/protocol/data-row.js";
import { MalformedReply, MessageReader, readFields } from "../src/protocol/message-reader.js";
import { Statement } from "../src/protocol/statement.js";
import { inOrder, keyOrder } from "../src/table/key-order.js";
import { decodeCursor, encodeCursor } from "../src/table/stored-key.js";

const admitAll = (): void => {};

function message(letter: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(letter);
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

test("MessageReader finds the same messages for every chunk size", () => {
  const bodies = ["", "a", "bc", "x".repeat(300)].map((body) => Buffer.from(body));
  const stream = Buffer.concat(bodies.map((body) => message("m", body)));
  for (let size = 1; size <= stream.length; size++) {
    const seen: Buffer[] = [];
    const reader = new MessageReader((bytes, start, end) => {
      seen.push(Buffer.from(bytes.subarray(start + 5, end)));
      return true;
    }, admitAll);
    for (let from = 0; from < stream.length; from += size) reader.read(stream.subarray(from, from + size));
    assert.deepEqual(seen, bodies);
  }
});

test("a stopped MessageReader returns the remaining bytes, even if a message arrives in two chunks", () => {
  const stream = Buffer.concat([message("a", Buffer.from("1")), message("z", Buffer.from("2")), Buffer.from("rest")]);
  for (let cut = 0; cut <= 11; cut++) {
    const reader = new MessageReader((bytes, start) => bytes[start] !== "z".charCodeAt(0), admitAll);
    assert.equal(reader.read(stream.subarray(0, cut)), undefined);
    assert.equal(reader.read(stream.subarray(cut))?.toString(), "rest");
  }
});

test("an impossible message length throws a MalformedReply", () => {
  for (const length of [-1, 0, 3]) {
    const bytes = Buffer.from("D....");
    bytes.writeInt32BE(length, 1);
    assert.throws(() => new MessageReader(() => true, admitAll).read(bytes), MalformedReply);
  }
});

test("a field that does not fit its row or its type throws a MalformedReply", () => {
  const row = new DataRow();
  const field = (length: number, bytes: string): Buffer => {
    const head = Buffer.alloc(6);
    head.writeInt32BE(length, 2);
    return message("D", Buffer.concat([head, Buffer.from(bytes)]));
  };
  for (const bad of [field(-1, ""), field(4, "abc"), field(0x7fff_ffff, "abc"), message("D", Buffer.alloc(2))]) {
    row.open(bad, 0, bad.length);
    assert.throws(() => row.bytes(), MalformedReply);
  }
  for (const bad of [field(3, "abc"), field(9, "123456789")]) {
    row.open(bad, 0, bad.length);
    assert.throws(() => row.integer(), MalformedReply);
  }
  const good = field(3, "abc");
  row.open(good, 0, good.length);
  const value = row.bytes();
  assert.equal(value.constructor, Uint8Array);
  assert.deepEqual(value, new Uint8Array([97, 98, 99]));
});

/** Returns the parameters that `write` adds to a statement, decoded from its Bind message. */
function written(write: (bound: BoundStatement) => void): Buffer[] {
  const statement = new Statement("SELECT", "name");
  const bound = new BoundStatement(statement);
  write(bound);
  const bytes = bound.encode(statement, false);
  const values: Buffer[] = [];
  let offset = statement.bind.length + 2;
  for (let left = bytes.readInt16BE(statement.bind.length); left > 0; left--) {
    const end = offset + 4 + bytes.readInt32BE(offset);
    values.push(bytes.subarray(offset + 4, end));
    offset = end;
  }
  const bindEnd = bytes.readInt32BE(1) + 1;
  assert.equal(offset + 4, bindEnd);
  assert.equal(bytes.toString("latin1", bindEnd), "E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04");
  return values;
}

test("a request consists of the messages that the server expects, with and without Parse", () => {
  const named = new Statement("SELECT $1", "name");
  const request = (statement: Statement, parse: boolean): string => {
    const bound = new BoundStatement(named);
    bound.raw(Buffer.from([0, 0, 1, 2]));
    return bound.encode(statement, parse).toString("latin1");
  };
  const bind = (name: string, length: string): string =>
    `B\0\0\0${length}\0${name}\0\0\x01\0\x01\0\x01\0\0\0\x04\0\0\x01\x02\0\x01\0\x01`;
  const end = "E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04";
  assert.equal(request(named, false), `${bind("name", "\x1c")}${end}`);
  assert.equal(request(named, true), `C\0\0\0\x0aSname\0P\0\0\0\x15name\0SELECT $1\0\0\0${bind("name", "\x1c")}${end}`);
  assert.equal(request(named.unnamed, true), `P\0\0\0\x11\0SELECT $1\0\0\0${bind("", "\x18")}${end}`);
});

test("parameters of any size are encoded one after the other", () => {
  const long = "é".repeat(5_000);
  const values = written((bound) => {
    bound.text(long);
    bound.raw(new Uint8Array(9_000).fill(7));
    bound.raw(Buffer.from([255, 255, 255, 254]));
    bound.text("");
  });
  const expected = [Buffer.from(long), Buffer.alloc(9_000, 7), Buffer.from([255, 255, 255, 254]), Buffer.alloc(0)];
  assert.deepEqual(values, expected);
});

test("arrays of keys and values have the server's binary form, in any order and with any characters", () => {
  const order = [4, 3, 2, 1, 0];
  for (const keys of [
    ["b", "", "é\u0000", "😀", "x".repeat(100)],
    ["b", "", "\u0000", "\u007f", "x".repeat(125)],
    ["b", "", "x".repeat(126), "\u007f", "x".repeat(1024)],
  ]) {
    const encoded = keys.map((key) => new TextEncoder().encode(`p:${key}`));
    const arrays = written((bound) => {
      bound.keyArray("p:", inOrder(keys, order));
      bound.valueArray(inOrder(encoded, order));
    });
    assert.equal(arrays.length, 2);
    for (const bytes of arrays) {
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
      assert.equal(offset, bytes.length);
    }
  }
});

test("keys are sorted by their UTF-8 bytes", () => {
  const unit = fc.constantFrom("", "a", "b", "\0", "\u007f", "\u0080", "é", "\ud7ff", "\ue000", "\uffff", "😀");
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

test("decodeCursor accepts only cursors that encodeCursor returns for the bucket", () => {
  for (const key of ["", "a", "é\u0000😀"]) {
    const cursor = encodeCursor("b", Buffer.from(key));
    assert.equal(decodeCursor("b", cursor).toString(), key);
    for (const bad of [`${cursor}=`, `${cursor}A`, cursor.slice(1), `A${cursor}`])
      assert.throws(() => decodeCursor("b", bad), { name: "FaultError" });
    for (const other of ["", "a", "bb"]) assert.throws(() => decodeCursor(other, cursor), { name: "FaultError" });
  }
  for (const bad of ["", "?", "YQ==", "a", "YQ", encodeCursor("b", Buffer.alloc(1_090)), "YQ "]) {
    assert.throws(() => decodeCursor("b", bad), { name: "FaultError" });
  }
});

test("an error whose fields exceed its message throws a MalformedReply", () => {
  const fields = "SERROR\0C42P01\0Mno such table\0";
  const whole = message("E", Buffer.from(`${fields}\0`));
  assert.equal(readFields(whole, 0, whole.length).get("C"), "42P01");
  for (const cut of ["", fields, fields.slice(0, -1), "S", "SERROR"]) {
    const bad = message("E", Buffer.from(cut));
    const following = Buffer.concat([bad, whole]);
    assert.throws(() => readFields(following, 0, bad.length), MalformedReply);
  }
});

test("KeyLookup finds exactly the keys of the request", () => {
  const key = fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(fc.uniqueArray(key, { minLength: 1, maxLength: 60 }), fc.array(key), (keys, others) => {
      const wellFormed = [...new Set(keys.map((each) => each.toWellFormed()))];
      const prefix = "bucket:";
      const bound = new BoundStatement(new Statement("SELECT"));
      bound.keyArray(prefix, wellFormed);
      const lookup = bound.lookup(wellFormed.length);
      const find = (name: string): number => {
        const reply = Buffer.from(`[${name}]`);
        return lookup.indexOf(reply, 1, reply.length - 1);
      };
      for (const [index, each] of wellFormed.entries()) assert.equal(find(`bucket:${each}`), index);
      for (const other of others.map((each) => each.toWellFormed())) {
        assert.equal(find(`bucket:${other}`), wellFormed.indexOf(other));
        assert.equal(find(`tucket:${other}`), -1);
      }
    }),
    { numRuns: 500 },
  );
});
