import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import type { InvalidSetting } from "../harness.js";
import { bytes } from "../support/bytes.js";
import { listed } from "../support/listed.js";
import { assertNoLeak, canary } from "../support/no-leak.js";
import { rejectsWith } from "../support/rejections.js";

/** Cases about clients with other settings or of other servers. */
export const settingsCases: readonly ConformanceCase[] = [
  {
    id: "same-variants",
    rule: "same",
    subject: "driver",
    title: "a client with other settings for the same data reads, writes, lists and deletes what the first client does",
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
        await store.describe();
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

/** Rejects if the settings are refused. Otherwise, closes the client. */
async function createAndClose(create: InvalidSetting["driver"]): Promise<void> {
  const client = (await create(canary)) as { close?: () => unknown } | undefined;
  await client?.close?.();
}
