import assert from "node:assert/strict";
import { tracingChannel } from "node:diagnostics_channel";
import { expect, test } from "vitest";
// The build is a second copy of the package: its classes differ from those of the sources.
import * as otherKit from "../dist/driver.js";
import * as other from "../dist/index.js";
import type { Fault } from "../src/driver.js";
import * as kit from "../src/driver.js";
import * as own from "../src/index.js";
import { ScriptedDriver } from "./scripted-driver.js";

const refused: Fault = { code: "access-denied", retryable: false, effect: "none", reason: "REFUSED" };

const copies = [
  { name: "this copy", create: own.createStore, FaultError: otherKit.FaultError },
  { name: "another copy", create: other.createStore, FaultError: kit.FaultError },
];

test("the copies have different classes", () => {
  assert.notEqual(own.StoreError, other.StoreError);
});

test.each(copies)("a store of $name accepts the FaultError of the other copy", async ({ create, FaultError }) => {
  for (const coalesce of [false, true]) {
    const driver = new ScriptedDriver();
    const fail = (): never => {
      throw new FaultError(refused);
    };
    driver.writes.push(fail);
    driver.reads.push(fail);
    const bucket = await create(driver).open("b", { coalesce });
    const errors = await Promise.all(
      [bucket.set("a", Uint8Array.of(1)), bucket.get("a")].map((call: Promise<unknown>) =>
        call.catch((error) => error),
      ),
    );
    for (const error of errors) {
      expect(error).toMatchObject({ code: "access-denied", reason: "REFUSED" });
      assert.ok(own.StoreError.is(error) && other.StoreError.is(error));
    }
    assert.ok(own.BatchError.is(errors[0]) && other.BatchError.is(errors[0]));
  }
});

test("two copies that share a driver both coalesce, and their calls have different ids", async () => {
  const ids: string[] = [];
  const channel = tracingChannel<unknown, { id: string }>("manykv:call");
  const start = ({ id }: { id: string }): void => void ids.push(id);
  channel.start.subscribe(start as never);
  const driver = new ScriptedDriver();
  const buckets = await Promise.all(copies.map(({ create }) => create(driver).open("b", { coalesce: true })));
  const keys = ["a", "b", "c"];
  await Promise.all(
    buckets.flatMap((bucket, copy) => keys.map((key) => bucket.set(`${key}${copy}`, Uint8Array.of(1)))),
  );
  channel.start.unsubscribe(start as never);
  assert.equal(driver.requests.length, 2);
  assert.equal(new Set(ids).size, 8);
});

test("a request of another copy reaches a driver", async () => {
  const driver = new ScriptedDriver();
  const signal = AbortSignal.abort();
  await driver.set(otherKit.createRequest({ bucket: "b", keys: ["a"], values: [Uint8Array.of(1)], signal }));
  assert.deepEqual(driver.data.get("b:a"), Uint8Array.of(1));
});
