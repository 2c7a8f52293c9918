import assert from "node:assert/strict";
import { type StoreDescription, StoreError } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { Ability, ConformanceCase } from "../conformance-case.js";
import { refused, throttled } from "../faults/engine-faults.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes } from "../support/bytes.js";
import { farAway } from "../support/expiry.js";
import { rejectsWith } from "../support/rejections.js";

const topologies = ["in-process", "single", "sentinel", "cluster", "pooler", "service"];

/** Cases for `store.describe()`. */
export const describeCases: readonly ConformanceCase[] = [
  {
    id: "same-describe",
    rule: "same",
    subject: "driver",
    title: "describe returns the documented fields, also as the first call of a store and while other calls run",
    async run(context) {
      const { name, server } = await context.driver();
      const store = await context.store();
      const first = await store.describe();
      checkDescription(first, name);
      assert.deepEqual(first.server && { ...first.server }, server && { ...server });
      const bucket = await store.open(context.bucketName());
      const [again] = await Promise.all([store.describe(), bucket.get("a"), store.describe()]);
      assert.deepEqual(again, first, "two descriptions of the same server must be equal");
      assert.deepEqual({ ...first.limits }, { ...bucket.limits });
    },
  },
  {
    id: "same-describe-abilities",
    rule: "same",
    subject: "driver",
    title: "describe reports an ability exactly if its calls do not reject with `unsupported`",
    async run(context) {
      const store = await context.store();
      const { abilities } = await store.describe();
      const bucket = await store.open(context.bucketName());
      const value = bytes("v");
      const calls: Readonly<Record<Ability, () => Promise<unknown>>> = {
        ttl: () => bucket.set("a", value, { ttl: farAway }),
        ifAbsent: () => bucket.set("b", value, { ifAbsent: true }),
        increment: () => bucket.increment("c"),
        compareAndSwap: () => bucket.compareAndSwap("d", { expected: undefined, value }),
        buckets: () => store.buckets()[Symbol.asyncIterator]().next(),
      };
      for (const [name, call] of Object.entries(calls)) {
        const isSupported = await call().then(
          () => true,
          (error: unknown) => !(StoreError.is(error) && error.code === "unsupported"),
        );
        assert.equal(abilities[name as Ability], isSupported, `describe must report whether the backend has ${name}`);
      }
    },
  },
  {
    id: "same-describe-fails-like-a-read",
    rule: "same",
    subject: "core",
    title: "describe retries temporary faults and rejects with the code of a permanent one",
    async run(context) {
      let calls = 0;
      const failing = await context.store({
        wrap: describing(async () => {
          throw Object.assign(new Error("refused"), { fault: calls++ === 0 ? throttled : refused });
        }),
        store: { retry: { baseDelay: 1 } },
      });
      await rejectsWith(failing.describe(), "access-denied");
      assert.equal(calls, 2);
    },
  },
  {
    id: "same-describe-settles",
    rule: "same",
    subject: "core",
    title: "describe settles by its deadline and when it is cancelled, and rejects with `closed` after close",
    async run(context) {
      const store = await context.store({ wrap: describing(() => new Promise(() => {})) });
      await rejectsWith(store.describe({ timeout: 100 }), "timeout");
      await rejectsWith(store.describe({ signal: AbortSignal.timeout(20) }), "aborted");
      await rejectsWith(store.describe({ signal: AbortSignal.abort() }), "aborted");
      await rejectsWith(store.describe({ timout: 1 } as object), "invalid-argument");
      await store.close();
      await rejectsWith(store.describe(), "closed");
    },
  },
  {
    id: "same-describe-without-driver",
    rule: "same",
    subject: "core",
    title: "if the driver has no `describe`, the store's describe returns the driver, server and limits",
    async run(context) {
      const store = await context.store({ wrap: (driver) => wrapDriver(driver, {}, ["describe"]) });
      const description = await store.describe();
      assert.equal(description.driver, (await context.driver()).name);
      assert.deepEqual(description.findings, []);
      assert.equal(description.abilities.settlesLostWrites, undefined);
    },
  },
];

function describing(describe: () => Promise<never>): (driver: Driver) => Driver {
  return (driver) =>
    wrapDriver(driver, {
      describe,
      classify: (error) => (error as { fault?: typeof refused }).fault ?? driver.classify(error),
    });
}

function checkDescription(description: StoreDescription, name: string): void {
  const { driver, product, version, topology, table, abilities, findings } = description;
  assert.deepEqual(Object.keys(description).sort(), [
    "abilities",
    "driver",
    "findings",
    "limits",
    "product",
    "server",
    "table",
    "topology",
    "version",
  ]);
  assert.equal(driver, name);
  if (product !== undefined) assert.match(product, /^[a-z][a-z0-9-]*$/);
  if (version !== undefined) assert.match(version, /^\d/);
  if (topology !== undefined) assert.ok(topologies.includes(topology), `unknown topology ${topology}`);
  if (table !== undefined) assert.ok(table.name !== "", "the table must have a name");
  assert.ok([true, false, undefined].includes(abilities.settlesLostWrites));
  for (const { code, severity, message } of findings) {
    assert.match(code, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    assert.ok(["data-loss", "warning", "note"].includes(severity), `unknown severity ${severity}`);
    assert.ok(message.length > 10 && !message.endsWith("\n"), `${code}: the message must say what was found`);
  }
  const isReported = findings.some(({ code }) => code === "cannot-settle");
  assert.equal(
    isReported,
    abilities.settlesLostWrites === false,
    "there must be a finding `cannot-settle` exactly if `settlesLostWrites` is false",
  );
}
