import assert from "node:assert/strict";
import type { CaseContext } from "../case-context.js";
import type { Ability, ConformanceCase } from "../conformance-case.js";
import { abilitiesOf } from "../support/abilities.js";
import { bytes } from "../support/bytes.js";
import { inLanes } from "../support/lanes.js";
import { hangs, heldBy, networkClients, until } from "../support/network.js";
import { recordEvents } from "../support/record-events.js";
import { pause, settles } from "../support/settles.js";
import { textsOf } from "../support/texts.js";
import { isWrite, type Kind, operations, type TableOperation } from "../table/operations.js";

/** Timeout of a call whose first request the network delays, in milliseconds. */
const timeout = 1_500;
const keys = ["k0", "k1", "k2", "k3"];

/** Cases for requests that reach the server after their call has settled. They cover every write of the table. */
export const networkLateCases: readonly ConformanceCase[] = [
  lateCase("s09-network-late-write", "S9", "write", undefined, "a set or a delete"),
  lateCase("s18-network-late-insert", "S18", "insert", "ifAbsent", "a set with `ifAbsent`"),
  lateCase("s20-network-late-increment", "S20", "increment", "increment", "an increment"),
  lateCase("s21-network-late-swap", "S21", "swap", "compareAndSwap", "a swap"),
];

function lateCase(
  id: string,
  rule: ConformanceCase["rule"],
  kind: Kind,
  ability: Ability | undefined,
  what: string,
): ConformanceCase {
  return {
    id,
    rule,
    subject: "network",
    ...(ability && { needs: [ability] }),
    title: `${what} that the network delays takes no effect after its call, unless the call reports that it may`,
    async run(context) {
      const abilities = await abilitiesOf(context);
      const isPresent = ({ needs = [] }: TableOperation): boolean => needs.every((need) => abilities[need]);
      const tested = operations.filter((operation) => operation.kind === kind && isPresent(operation));
      await inLanes(tested, (operation) => arrivesLate(context, operation));
    },
  };
}

async function arrivesLate(context: CaseContext, operation: TableOperation): Promise<void> {
  assert.ok(isWrite(operation));
  const names = operation.isBatch ? keys : keys.slice(0, 1);
  const { proxies, proxied, direct, close } = await networkClients(context, timeout);
  const { before } = operation;
  const reset = (): Promise<void> =>
    before === undefined ? direct.deleteMany(names) : direct.setMany(names.map((key) => [key, bytes(before)]));
  await reset();
  // A driver may send other requests on a connection before the first write.
  await proxied.set("warm", bytes("up"), { timeout: 60_000 });
  proxies.arm({ kind: "hold", direction: "request" });
  const target = { bucket: proxied, store: context.storeOf(await context.driver()) };
  const events = await recordEvents(direct.name, async () => {
    const settled = await settles(
      Promise.allSettled(operation.calls(target, names, { timeout })),
      hangs,
      operation.name,
    );
    assert.ok(settled.status === "fulfilled");
  });
  // A call that resolves after a lost request reports it in its event, a call that rejects also in its failures.
  const isReported = events.calls.some(({ unsettled = 0 }) => unsettled > 0);
  // The state in which a late request would take effect.
  await reset();
  proxies.heal();
  await until(() => heldBy(proxies).length === 0, "the proxies must send what they hold");
  // The server works through what it received.
  for (let reads = 0; reads < 10; reads++) {
    const found = await textsOf(direct, names);
    for (const [index, text] of found.entries())
      if (!isReported)
        assert.equal(text, before, `${operation.name}: the late request of ${names[index]} took effect after its call`);
    await pause(20);
  }
  await close();
}
