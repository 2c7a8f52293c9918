import assert from "node:assert/strict";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { byteTrueFaultKinds, type ConnectionFault, seededConnectionFault } from "../faults/connection-fault.js";
import { deriveSeed } from "../faults/random.js";
import type { ProxiedConnection } from "../faults/tcp-proxy.js";
import { abilitiesOf } from "../support/abilities.js";
import { bytes } from "../support/bytes.js";
import { writeKinds } from "../support/faulty-write.js";
import { hangs, heldBy, networkClients, until, writeThrough } from "../support/network.js";
import { pause, settles } from "../support/settles.js";
import { outcomesOfWrite } from "../support/truth.js";

/** Faults of one connection that both client and server notice, each with the end of the case's id and title. */
const noticed: readonly (readonly [id: string, what: string, fault: ConnectionFault])[] = [
  ["cut-before-request", "is cut before the request", { kind: "cut", direction: "request" }],
  [
    "cut-in-request",
    "is cut in the middle of the request",
    { kind: "cut", direction: "request", after: { bytes: 100 } },
  ],
  ["cut-before-answer", "is cut before the response", { kind: "cut", direction: "answer" }],
  [
    "reset-in-request",
    "is reset in the middle of the request",
    { kind: "reset", direction: "request", after: { bytes: 100 } },
  ],
  [
    "reset-in-answer",
    "is reset in the middle of the response",
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

/**
 * Cases for rule S9: writes while connections break. Each case compares the outcomes with the values that an unaffected
 * client reads.
 */
export const networkOutcomeCases: readonly ConformanceCase[] = [
  ...noticed.map(
    ([id, what, fault]): ConformanceCase => ({
      id: `s09-network-${id}`,
      rule: "S9",
      subject: "network",
      title: `setMany and deleteMany apply every key even if a connection ${what}`,
      run: (context) => survives(context, [fault]),
    }),
  ),
  {
    id: "s09-network-silent-connection",
    rule: "S9",
    subject: "network",
    title: "setMany and deleteMany apply every key even if a connection silently loses the request or the response",
    run: (context) => survives(context, unnoticed),
  },
  {
    id: "s09-network-cancelled-write",
    rule: "S9",
    subject: "network",
    title:
      "a cancelled write whose connection breaks never overwrites a newer write of another client, even if the store " +
      "makes no other call",
    async run(context) {
      const { proxies, proxied, direct } = await networkClients(context);
      const { settlesLostWrites } = await abilitiesOf(context);
      if (settlesLostWrites !== true) context.skip("the server does not let the driver settle lost writes");
      // A driver may send other requests on a connection before the first write.
      await proxied.set("key", bytes("first"));
      proxies.arm({ kind: "hold", direction: "request" });
      const controller = new AbortController();
      const write = outcomesOfWrite(proxied.set("key", bytes("cancelled"), { signal: controller.signal }), 1);
      await until(() => heldBy(proxies).length > 0, "the proxy must hold the write");
      const [held] = heldBy(proxies) as [ProxiedConnection];
      controller.abort();
      assert.deepEqual(await write, ["unknown"]);
      // The server does not notice this, because the proxy keeps its connection to the server open.
      held.client.destroy();
      await until(() => held.server.closed, "the server must close the connection of the cancelled write");
      await direct.set("key", bytes("newer"));
      proxies.heal();
      await pause(100);
      assert.equal(new TextDecoder().decode(await direct.get("key")), "newer");
    },
  },
  {
    id: "s09-network-random-faults",
    rule: "S9",
    subject: "network",
    title: `every outcome is true under ${rounds} seeded connection faults at any byte of requests and responses`,
    async run(context) {
      let next = 0;
      const lane = async (): Promise<void> => {
        for (let round = next++; round < rounds; round = next++) {
          const fault = seededConnectionFault(deriveSeed(context.seed, round), { kinds: byteTrueFaultKinds });
          const clients = await networkClients(context, 1_000);
          const kind = round % 2 ? "set" : "delete";
          const written = await settles(
            writeThrough(clients, kind, fault),
            hangs,
            `${kind}Many under ${String(fault)}`,
          );
          if (written.status === "rejected")
            assert.fail(`${(written.reason as Error).message} (round ${round}, ${String(fault)})`);
          await clients.close();
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    },
  },
];

/** Runs a setMany and a deleteMany under each fault, concurrently and with separate proxies. Each call must succeed. */
async function survives(context: CaseContext, faults: readonly ConnectionFault[]): Promise<void> {
  const writes = faults.flatMap((fault) => writeKinds.map((kind) => ({ fault, kind })));
  await Promise.all(
    writes.map(async ({ fault, kind }) => {
      const clients = await networkClients(context);
      const outcomes = await writeThrough(clients, kind, fault);
      assert.ok(clients.proxies.faults > 0, "the proxies must inject the fault at least once");
      assert.deepEqual([...new Set(outcomes)], ["applied"], `${kind}Many must apply every key`);
    }),
  );
}
