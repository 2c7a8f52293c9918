import assert from "node:assert/strict";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { byteTrueFaultKinds, type ConnectionFault, seededConnectionFault } from "../faults/connection-fault.js";
import { deriveSeed } from "../faults/random.js";
import { bytes } from "../support/bytes.js";
import { writeKinds } from "../support/faulty-write.js";
import { hangs, networkClients, writeThrough } from "../support/network.js";
import { pause, settles } from "../support/settles.js";
import { outcomesOfWrite } from "../support/truth.js";

/** Faults of one connection that both sides notice, with their names in case ids and titles. */
const noticed: readonly (readonly [id: string, what: string, fault: ConnectionFault])[] = [
  ["cut-before-request", "is cut before the request", { kind: "cut", direction: "request" }],
  [
    "cut-in-request",
    "is cut in the middle of the request",
    { kind: "cut", direction: "request", after: { bytes: 100 } },
  ],
  ["cut-before-answer", "is cut before the answer", { kind: "cut", direction: "answer" }],
  [
    "reset-in-request",
    "is reset in the middle of the request",
    { kind: "reset", direction: "request", after: { bytes: 100 } },
  ],
  [
    "reset-in-answer",
    "is reset in the middle of the answer",
    { kind: "reset", direction: "answer", after: { bytes: 3 } },
  ],
];

/** Faults of one connection that only a timeout reveals. */
const unnoticed: readonly ConnectionFault[] = [
  { kind: "drop", direction: "request" },
  { kind: "drop", direction: "answer" },
  { kind: "half-open", direction: "request" },
];

const rounds = 24;
const lanes = 6;

/** Writes while connections break. The outcome of every key is compared with what an unaffected client sees. */
export const networkOutcomeCases: readonly ConformanceCase[] = [
  ...noticed.map(
    ([id, what, fault]): ConformanceCase => ({
      id: `s09-network-${id}`,
      rule: "S9",
      subject: "network",
      title: `setMany and deleteMany succeed with true outcomes when a connection ${what}`,
      run: (context) => survives(context, [fault]),
    }),
  ),
  {
    id: "s09-network-silent-connection",
    rule: "S9",
    subject: "network",
    title: "setMany and deleteMany succeed when a connection silently loses the request or the answer",
    run: (context) => survives(context, unnoticed),
  },
  {
    id: "s09-network-late-write",
    rule: "S9",
    subject: "network",
    title: "a write that the network delayed never overwrites a newer one, unless it was reported unknown",
    async run(context) {
      const { proxies, proxied, direct } = await networkClients(context, 2_000);
      proxies.arm({ kind: "hold", direction: "request" });
      const [first] = await outcomesOfWrite(proxied.setMany([["key", bytes("first")]]), 1);
      await direct.set("key", bytes("second"));
      proxies.heal();
      await pause(300);
      const value = new TextDecoder().decode(await direct.get("key"));
      assert.ok(
        value === "second" || first === "unknown",
        `the write was reported ${first}, and overwrote a newer one`,
      );
    },
  },
  {
    id: "s09-network-random-faults",
    rule: "S9",
    subject: "network",
    title: `no outcome is false under ${rounds} seeded connection faults at any byte of requests and answers`,
    async run(context) {
      let next = 0;
      const lane = async (): Promise<void> => {
        for (let round = next++; round < rounds; round = next++) {
          const fault = seededConnectionFault(deriveSeed(context.seed, round), { kinds: byteTrueFaultKinds });
          const clients = await networkClients(context, 1_000);
          const kind = round % 2 ? "set" : "delete";
          const written = await settles(writeThrough(clients, kind, fault), hangs, String(fault));
          if (written.status === "rejected")
            assert.fail(`${(written.reason as Error).message} (round ${round}, ${String(fault)})`);
          await clients.close();
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    },
  },
];

/** Runs both kinds of write under each fault, concurrently, each with its own proxies. */
async function survives(context: CaseContext, faults: readonly ConnectionFault[]): Promise<void> {
  const writes = faults.flatMap((fault) => writeKinds.map((kind) => ({ fault, kind })));
  await Promise.all(
    writes.map(async ({ fault, kind }) => {
      const clients = await networkClients(context);
      const outcomes = await writeThrough(clients, kind, fault);
      assert.ok(clients.proxies.faults > 0, "the fault has happened");
      assert.deepEqual([...new Set(outcomes)], ["applied"], `${kind}: every key is settled by the deadline`);
    }),
  );
}
