import { tracingChannel } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { TcpProxy } from "@manykv/conformance/faults";
import { type CallEvent, createStore } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { expect, test } from "vitest";
import type { ConformanceOptions } from "./conforms.js";
import { driverAt, withAddress } from "./driver-at.mjs";

export interface Expected {
  readonly product: string | undefined;
  readonly topology: string | undefined;
  /** Whether a write whose response was lost can be prevented from taking effect later. */
  readonly settles: boolean;
}

/** Tests that the store describes the deployment, and that a late write cannot take effect or is reported. */
export function describesLateWrites(options: Omit<ConformanceOptions, "skip">, expected: Expected): void {
  const { name, url, server } = options;

  test(`${name}: describe() reports the product, and whether lost writes can be settled`, async () => {
    await using store = createStore(driverAt(url));
    const { product, topology, abilities, findings } = await store.describe();
    expect({ product, topology, settles: abilities.settlesLostWrites }).toEqual(expected);
    expect(findings.some(({ code }) => code === "cannot-settle")).toBe(!expected.settles);
  });

  test(`${name}: a delayed write ${expected.settles ? "never takes effect" : "is reported as unsettled"}`, async () => {
    await using proxy = await TcpProxy.start(server);
    await using delayed = createStore(driverAt(withAddress(url, proxy.address)));
    await using direct = createStore(driverAt(url));
    const bucket = randomName();
    const [slow, quick] = await Promise.all([delayed.open(bucket), direct.open(bucket)]);
    await slow.set("key", Buffer.from("first"));
    const unsettled = await unsettledEntries(bucket, async () => {
      proxy.arm({ kind: "hold", direction: "request" });
      await slow.set("key", Buffer.from("delayed"), { timeout: 6_000 }).catch(() => {});
    });
    await quick.set("key", Buffer.from("newer"));
    proxy.heal();
    await sleep(300);
    if (expected.settles) expect(String(Buffer.from((await quick.get("key")) ?? []))).toBe("newer");
    expect(unsettled).toBe(expected.settles ? 0 : 1);
    await quick.delete("key");
  });
}

/** Returns how many entries the calls on a bucket report as unsettled. */
async function unsettledEntries(bucket: string, body: () => Promise<void>): Promise<number> {
  let sum = 0;
  const note = (event: unknown): void => {
    if ((event as CallEvent).bucket === bucket) sum += (event as CallEvent).unsettled ?? 0;
  };
  const { asyncEnd } = tracingChannel("manykv:call");
  asyncEnd.subscribe(note);
  await body();
  // The event of a call is published after its promise has settled.
  await sleep(10);
  asyncEnd.unsubscribe(note);
  return sum;
}
