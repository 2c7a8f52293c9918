import assert from "node:assert/strict";
import type { Bucket, Outcome } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConnectionFault } from "../faults/connection-fault.js";
import type { ProxySet } from "../faults/proxy-set.js";
import type { ProxiedConnection } from "../faults/tcp-proxy.js";
import { judgedWrite, type WriteKind } from "./faulty-write.js";
import { pause, settles } from "./settles.js";
import { assertTrue, outcomesOfWrite, settable } from "./truth.js";

/**
 * Timeout of a call with a fault, in milliseconds. The first attempt takes at most two thirds of this time. The
 * remaining time is enough to reconnect and to repeat the request, even on a busy machine.
 */
const networkTimeout = 12_000;
/**
 * Time after which a call counts as hanging, in milliseconds. It is far longer than `networkTimeout`, so that a call on
 * a slow machine does not count as hanging.
 */
export const hangs = 30_000;

/** A client that connects through proxies, and a client that connects directly. */
export interface NetworkClients {
  readonly proxies: ProxySet;
  readonly proxied: Bucket;
  readonly direct: Bucket;
  /** Closes both stores and the proxies. If a case does not call this method, the suite closes them after the case. */
  close(): Promise<void>;
}

export async function networkClients(context: CaseContext, timeout: number = networkTimeout): Promise<NetworkClients> {
  const proxies = await context.proxies();
  const name = context.bucketName();
  const stores = [await context.store(), await context.store({ route: proxies.route, store: { timeout } })];
  const [direct, proxied] = (await Promise.all(stores.map((store) => store.open(name)))) as [Bucket, Bucket];
  await proxied.getMany(manyKeys, { timeout: 60_000 });
  // Expects at least one connection in total, because a client may never contact the replicas of a cluster.
  assert.ok(
    proxies.connections > 0,
    "no connection came through the proxies: `driver` must connect to the address that `route(server)` returns",
  );
  const close = async (): Promise<void> => {
    for (const store of stores) await store.close();
    await proxies[Symbol.asyncDispose]();
  };
  return { proxies, proxied, direct, close };
}

/**
 * Makes the servers stand still: holds the bytes of all connections, in both directions, until `resume()` is called.
 */
export function standStill(proxies: ProxySet): { resume(): void } {
  proxies.onFault("the proxies hold all bytes of every connection");
  const hold = (connection: ProxiedConnection): void => {
    connection.hold("request");
    connection.hold("answer");
  };
  for (const proxy of proxies.all) {
    proxy.onConnection = hold;
    for (const connection of proxy.connections) hold(connection);
  }
  return {
    resume() {
      for (const proxy of proxies.all) proxy.onConnection = () => {};
      proxies.heal();
    },
  };
}

/** Closes all connections, with a FIN or with a RST. The server accepts new ones. */
export function closeAll(proxies: ProxySet, how: "cut" | "reset"): void {
  proxies.onFault(`the proxies ${how} every connection`);
  for (const proxy of proxies.all) for (const connection of proxy.connections) connection[how]();
}

/** Resets every new connection at once, until the returned function is called. */
export function resetNew(proxies: ProxySet): () => void {
  proxies.onFault("the proxies reset every new connection");
  for (const proxy of proxies.all) proxy.onConnection = (connection) => connection.reset();
  return () => {
    for (const proxy of proxies.all) proxy.onConnection = () => {};
  };
}

/** Returns the connections whose requests the proxies hold. */
export function heldBy(proxies: ProxySet): readonly ProxiedConnection[] {
  return proxies.all.flatMap((proxy) => [...proxy.connections]).filter((each) => each.waiting("request") > 0);
}

/** Waits until a condition is true. Fails after 2,000 checks, at least 20 seconds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let checks = 0; !holds(); checks++) {
    assert.ok(checks < 2_000, what);
    await pause(10);
  }
}

/** The keys of a write: so many that each server of a cluster stores some of them. */
const manyKeys = Array.from({ length: 30 }, (_, index) => `k${index}`);

/** Makes a write while connections have a fault, ends the fault, and asserts that every reported outcome is true. */
export async function writeThrough(
  { proxies, proxied, direct }: NetworkClients,
  kind: WriteKind,
  fault: ConnectionFault,
): Promise<readonly Outcome[]> {
  const judged = judgedWrite(kind, manyKeys.length);
  await direct.setMany(judged.before);
  proxies.arm(fault);
  const write = kind === "set" ? proxied.setMany(settable(judged.entries)) : proxied.deleteMany(manyKeys);
  const settled = await settles(outcomesOfWrite(write, manyKeys.length), hangs, `${kind} under ${String(fault)}`);
  proxies.heal();
  if (settled.status === "rejected") throw settled.reason;
  await assertTrue(direct, judged, settled.value);
  return settled.value;
}
