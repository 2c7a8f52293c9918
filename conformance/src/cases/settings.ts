import assert from "node:assert/strict";
import type { Bucket, Store } from "@manykv/core";
import type { Ability, ConformanceCase } from "../conformance-case.js";
import type { InvalidSetting } from "../harness.js";
import { bytes } from "../support/bytes.js";
import { farAway } from "../support/expiry.js";
import { bucketsIn, listed } from "../support/listed.js";
import { assertNoLeak, canary } from "../support/no-leak.js";
import { batchErrorOf, outcomesOf, rejectsWith } from "../support/rejections.js";

/** Cases about clients with other settings or of other servers. */
export const settingsCases: readonly ConformanceCase[] = [
  {
    id: "same-variants",
    rule: "same",
    subject: "driver",
    title:
      "a client with other settings for the same data reads, writes, lists, changes and deletes what the first one does",
    async run(context) {
      const { variants = [] } = context.harness;
      if (variants.length === 0) context.skip("the harness has no `variants`");
      const first = await context.store();
      for (const { what, driver } of variants) {
        const name = context.bucketName();
        const bucket = await first.open(name);
        const store = context.storeOf(context.track(await driver()));
        const other = await store.open(name);
        await bucket.setMany([
          ["kept", bytes("first")],
          ["changed", bytes("first")],
        ]);
        await other.setMany([
          ["changed", bytes("other")],
          ["added", bytes("other")],
        ]);
        await other.set("gone", bytes("other"));
        await bucket.delete("gone");
        const keys = ["kept", "changed", "added", "gone"];
        const expected = [bytes("first"), bytes("other"), bytes("other"), undefined];
        const valuesOf = async (one: typeof bucket): Promise<unknown> =>
          (await one.getMany(keys)).map((entry) => entry?.[1]);
        assert.deepEqual(await valuesOf(other), expected, `getMany with ${what}`);
        assert.deepEqual(await valuesOf(bucket), expected, `getMany of the first client after writes with ${what}`);
        assert.equal(await other.exists("kept"), true, `exists with ${what}`);
        assert.deepEqual(await listed(other), ["added", "changed", "kept"], `keys with ${what}`);
        const { abilities } = await store.describe();
        for (const [ability, check] of Object.entries(abilityChecks)) {
          if (abilities[ability as Ability]) await check(bucket, other, store, what);
        }
        await other.deleteMany(keys);
        assert.equal(await bucket.exists("kept"), false, `exists after deleteMany with ${what}`);
        await store.close();
      }
    },
  },
  {
    id: "same-known-servers",
    rule: "same",
    subject: "driver",
    title: "describe reports the product, deployment, abilities and findings of servers that the harness knows",
    async run(context) {
      const { knownServers = [] } = context.harness;
      if (knownServers.length === 0) context.skip("the harness has no `knownServers`");
      for (const { what, driver, description } of knownServers) {
        const store = context.storeOf(context.track(await driver()));
        const { abilities, findings, ...reported } = await store.describe();
        const severities = Object.fromEntries(findings.map(({ code, severity }) => [code, severity]));
        const actual = { ...reported, ...abilities, findings: severities };
        const { abilities: knownAbilities, ...known } = description;
        for (const [name, value] of Object.entries({ ...known, ...knownAbilities }))
          assert.deepEqual(actual[name as keyof typeof actual], value, `describe reports \`${name}\` of ${what}`);
        await store.close();
      }
    },
  },
  {
    id: "same-invalid-settings",
    rule: "same",
    subject: "driver",
    title:
      "settings that can never work are refused with `invalid-argument` when the client is created, without secrets",
    async run(context) {
      const { invalidSettings = [] } = context.harness;
      if (invalidSettings.length === 0) context.skip("the harness has no `invalidSettings`");
      for (const { what, driver } of invalidSettings) {
        const error = await rejectsWith(createAndClose(driver), "invalid-argument", `creating a client with ${what}`);
        assert.equal(error.retryable, false, `the error for ${what} must not be retryable`);
        assertNoLeak(error, what);
      }
    },
  },
];

/** Checks one ability of the client of `store`, which has other settings. `bucket` is that of the first client. */
type AbilityCheck = (bucket: Bucket, other: Bucket, store: Store, what: string) => Promise<void>;

const abilityChecks: Readonly<Record<Ability, AbilityCheck>> = {
  async ttl(bucket, other, _, what) {
    const keys = ["a", "b", "c"];
    await other.setMany(
      keys.map((key) => [key, bytes(key)]),
      { ttl: farAway },
    );
    await other.setMany([
      ["a", bytes("kept")],
      ["b", bytes("b"), { ttl: 2 * farAway }],
    ]);
    const [a, b, c] = await bucket.ttlMany(keys);
    const isIn = (ttl: number | null | undefined, from: number, to: number): boolean =>
      typeof ttl === "number" && ttl > from && ttl <= to;
    assert.equal(a, null, `the ttl of a key that was set again, with ${what}`);
    assert.ok(isIn(b, farAway, 2 * farAway), `the ttl of one key of a batch with ${what} is ${b}`);
    assert.ok(isIn(c, 0, farAway), `the ttl of a batch with ${what} is ${c}`);
    assert.deepEqual(await other.getMany(keys), await bucket.getMany(keys), `getMany of keys with a ttl and ${what}`);
    await other.deleteMany(keys);
  },
  async ifAbsent(bucket, other, _, what) {
    await bucket.set("a", bytes("first"));
    const entries = ["a", "b"].map((key) => [key, bytes("other")] as const);
    const error = await batchErrorOf(other.setMany(entries, { ifAbsent: true }), "precondition-failed", what);
    assert.deepEqual(outcomesOf(error, 2), ["not-applied", "applied"], `ifAbsent with ${what}`);
    assert.deepEqual(await bucket.get("a"), bytes("first"), `ifAbsent with ${what}`);
    await other.deleteMany(["a", "b"]);
  },
  async increment(bucket, other, _, what) {
    await bucket.increment("n", 2n ** 62n);
    assert.equal(await other.increment("n", -3), 2n ** 62n - 3n, `increment with ${what}`);
    await other.delete("n");
  },
  async compareAndSwap(bucket, other, _, what) {
    const [first, second] = [bytes("first"), bytes("second")];
    const change = { expected: first, value: second };
    await bucket.set("a", first);
    assert.deepEqual(await other.compareAndSwap("a", change), { swapped: true }, `compareAndSwap with ${what}`);
    assert.deepEqual(
      await other.compareAndSwap("a", change),
      { swapped: false, current: second },
      `compareAndSwap of another value with ${what}`,
    );
    await other.delete("a");
  },
  async buckets(bucket, _, store, what) {
    assert.ok((await bucketsIn(store)).includes(bucket.name), `buckets with ${what}`);
  },
};

/** Rejects if the settings are refused. Otherwise, closes the client. */
async function createAndClose(create: InvalidSetting["driver"]): Promise<void> {
  const client = (await create(canary)) as { close?: () => unknown } | undefined;
  await client?.close?.();
}
