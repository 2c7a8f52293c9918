import assert from "node:assert/strict";
import type { BatchError, Entry, Outcome } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { byteTrueFaultKinds, type ConnectionFault, seededConnectionFault } from "../faults/connection-fault.js";
import { deriveSeed } from "../faults/random.js";
import { bytes } from "../support/bytes.js";
import { expire, farAway } from "../support/expiry.js";
import { hangs, type NetworkClients, networkClients } from "../support/network.js";
import { settles } from "../support/settles.js";
import { textsOf } from "../support/texts.js";
import { outcomesOfWrite } from "../support/truth.js";

/** Faults of one connection. Only a timeout reveals the last two. */
const faults: readonly ConnectionFault[] = [
  { kind: "cut", direction: "request" },
  { kind: "cut", direction: "request", after: { bytes: 20 } },
  { kind: "cut", direction: "answer" },
  { kind: "reset", direction: "answer", after: { bytes: 3 } },
  { kind: "drop", direction: "request" },
  { kind: "drop", direction: "answer" },
];

const rounds = 12;
const lanes = 6;

/** Timeout of a call with a fault, in milliseconds. */
const timeout = 1_000;

/** Cases for rules S17 to S21: compare what calls report while connections break with what an unaffected client reads. */
export const networkUpdateCases: readonly ConformanceCase[] = [
  {
    id: "s20-network-increments",
    rule: "S20",
    subject: "network",
    needs: ["increment"],
    title: "while connections break, an acknowledged increment is counted once, and an unknown one at most once",
    run: (context) =>
      underFaults(context, async (clients, fault) => {
        // Each increment adds its own power of two, so the sum shows which increments were counted, and how often.
        const told: Outcome[] = [];
        let next = 0;
        const worker = async (): Promise<void> => {
          for (let index = next++; index < 16; index = next++) {
            if (index === 4) clients.proxies.arm(fault);
            told[index] = await outcomeOf(clients.proxied.increment("key", 2n ** BigInt(index), { timeout }));
          }
        };
        await Promise.all([worker(), worker(), worker(), worker()]);
        clients.proxies.heal();
        const sum = await clients.direct.increment("key", 0);
        for (const [index, outcome] of told.entries()) {
          const isCounted = (sum >> BigInt(index)) % 2n === 1n;
          if (outcome === "applied") assert.ok(isCounted, `increment ${index} is applied, but not counted`);
          if (outcome === "not-applied") assert.ok(!isCounted, `increment ${index} is not applied, but counted`);
        }
        assert.ok(sum < 2n ** 16n, "no increment must be counted twice");
      }),
  },
  {
    id: "s21-network-swaps",
    rule: "S21",
    subject: "network",
    needs: ["compareAndSwap"],
    title: "while connections break, a swap that is reported as swapped is stored, and a lost race changes nothing",
    run: (context) =>
      underFaults(context, async ({ proxies, proxied, direct }, fault) => {
        const keys = Array.from({ length: 8 }, (_, index) => `key ${index}`);
        await direct.setMany(keys.map((key) => [key, bytes("old")]));
        proxies.arm(fault);
        const told = await Promise.all(
          keys.map(async (key, index) => {
            const expected = bytes(index % 2 ? "other" : "old");
            return outcomeOf(proxied.compareAndSwap(key, { expected, value: bytes("new") }, { timeout }));
          }),
        );
        proxies.heal();
        const stored = await textsOf(direct, keys);
        for (const [index, outcome] of told.entries()) {
          if (index % 2) assert.equal(stored[index], "old", `${keys[index]} must not change`);
          else if (outcome !== "unknown") assert.equal(stored[index], outcome === "applied" ? "new" : "old");
        }
      }),
  },
  {
    id: "s18-network-if-absent",
    rule: "S18",
    subject: "network",
    needs: ["ifAbsent"],
    title: "while connections break, keys with `ifAbsent` are never overwritten, and every outcome is true",
    run: (context) =>
      underFaults(context, async ({ proxies, proxied, direct }, fault) => {
        const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
        await direct.setMany(keys.filter((_, index) => index % 3 === 0).map((key) => [key, bytes("old")]));
        proxies.arm(fault);
        const entries = keys.map((key): Entry => [key, bytes("new")]);
        const told = await outcomesOfWrite(proxied.setMany(entries, { ifAbsent: true, timeout }), keys.length);
        proxies.heal();
        const stored = await textsOf(direct, keys);
        for (const [index, outcome] of told.entries()) {
          if (index % 3 === 0) {
            assert.equal(stored[index], "old", `${keys[index]} must not be overwritten`);
            assert.notEqual(outcome, "applied", `${keys[index]} existed`);
          } else if (outcome !== "unknown") {
            assert.equal(stored[index], outcome === "applied" ? "new" : undefined, `${keys[index]} is ${outcome}`);
          }
        }
      }),
  },
  {
    id: "s17-network-ttl",
    rule: "S17",
    subject: "network",
    needs: ["ttl"],
    title:
      "while connections break, every key that a setMany with `ttl` applies expires, at the latest its `ttl` after the call",
    run: (context) =>
      underFaults(context, async ({ proxies, proxied, direct }, fault) => {
        const ttl = 300;
        const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
        let told: Outcome[] = [];
        await expire(ttl, async () => {
          proxies.arm(fault);
          const entries = keys.map((key, index): Entry => [key, bytes("v"), { ttl: index % 2 ? farAway : ttl }]);
          told = await outcomesOfWrite(proxied.setMany(entries, { timeout }), keys.length);
          proxies.heal();
        });
        const left = await direct.ttlMany(keys);
        for (const [index, outcome] of told.entries()) {
          if (outcome !== "applied") continue;
          if (index % 2) assert.ok(typeof left[index] === "number", `${keys[index]} must have an expiry`);
          else assert.equal(left[index], undefined, `${keys[index]} must have expired`);
        }
      }),
  },
];

/** Runs a round for each of the faults and for seeded ones. Runs several at a time, each with its own proxies. */
async function underFaults(
  context: CaseContext,
  round: (clients: NetworkClients, fault: ConnectionFault) => Promise<void>,
): Promise<void> {
  const all = [
    ...faults,
    ...Array.from({ length: rounds - faults.length }, (_, index) =>
      seededConnectionFault(deriveSeed(context.seed, index), { kinds: byteTrueFaultKinds }),
    ),
  ];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let fault = all[next++]; fault !== undefined; fault = all[next++]) {
      const clients = await networkClients(context, timeout);
      const ran = await settles(round(clients, fault), hangs, `a round under ${String(fault)}`);
      if (ran.status === "rejected") assert.fail(`${(ran.reason as Error).message} (under ${nameOf(fault)})`);
      await clients.close();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function nameOf(fault: ConnectionFault): string {
  const { kind, direction, after } = fault;
  return `${kind} of the ${direction} after ${JSON.stringify(after ?? {})}`;
}

/** Returns the outcome of an increment or a swap. A lost race is `not-applied`. */
async function outcomeOf(call: Promise<bigint | { swapped: boolean }>): Promise<Outcome> {
  return call.then(
    (result) => (typeof result === "bigint" || result.swapped ? "applied" : "not-applied"),
    (error: BatchError) => error.outcomeOf(0),
  );
}
