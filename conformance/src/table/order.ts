import assert from "node:assert/strict";
import type { FaultSchedule } from "../faults/call-fault.js";
import { answerLost } from "../faults/engine-faults.js";
import type { TableOperation } from "./operations.js";
import { prober } from "./probe.js";
import type { TablePromise } from "./promises.js";

type Order =
  | "later requests end first"
  | "each key is repeated a different number of times"
  | "keys of one request fail in different ways";

const orders: readonly Order[] = [
  "later requests end first",
  "each key is repeated a different number of times",
  "keys of one request fail in different ways",
];

/** The values of reads show whether they are in their places. The outcomes of writes do, too, under `truth`. */
export const order: TablePromise = {
  id: "places",
  text: "Answers stand in the places of their keys, in whatever order requests end and keys are repeated",
  ruleOf: () => "S4",
  titleOf: ({ name }) => `${name}: each key has its own answer, in whatever order requests end and keys are repeated`,
  cellsOf: (operation) => orders.map((condition) => ({ condition, reason: reasonOf(operation), spots: ["only"] })),
  async run(context, operation) {
    const probe = await prober(context);
    await Promise.all(
      orders.map(async (condition) => {
        const maxKeys = condition === "later requests end first" ? { maxKeys: 1 } : {};
        const store = { requestLimits: maxKeys, retry: { attempts: 9, baseDelay: 1, maxDelay: 1 } };
        const { run } = await probe({ operation, spot: "first", schedule: scheduleOf(condition), store });
        const { errors } = await run({ timeout: 60_000 });
        assert.deepEqual(errors, [], `${operation.name}, ${condition}: the call must succeed`);
      }),
    );
  },
};

function reasonOf({ kind, isBatch }: TableOperation): string | undefined {
  if (!isBatch) return "it has one answer";
  return kind === "read" ? undefined : "`truth` compares the outcome of each key";
}

const names = ["k0", "m0", "k1", "m1", "k2"];

function scheduleOf(order: Order): FaultSchedule {
  const seen = new Map<string, number>();
  return ({ keys }) => {
    if (order === "later requests end first")
      return { kind: "late-answer", milliseconds: 4 * (names.length - names.indexOf(keys[0] ?? "")) };
    const counts = new Map(keys.map((key) => [key, (seen.get(key) ?? 0) + 1]));
    for (const [key, count] of counts) seen.set(key, count);
    return {
      kind: "keys",
      of: (key) => {
        const place = names.indexOf(key);
        if ((counts.get(key) ?? 0) > (place * 3) % 5) return undefined;
        const isLost = order === "keys of one request fail in different ways" && place % 2 === 0;
        return isLost ? { kind: "fail", fault: answerLost } : { kind: "unprocessed" };
      },
    };
  };
}
