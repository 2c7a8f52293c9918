import assert from "node:assert/strict";
import { isWrite, type TableOperation } from "./operations.js";
import { prober } from "./probe.js";
import type { TablePromise } from "./promises.js";

const moments = ["after close", "while the store is closing", "in flight when close is called"] as const;

type Moment = (typeof moments)[number];

export const closed: TablePromise = {
  id: "close",
  text: "After close, every call rejects with `closed` and sends nothing. Calls in flight settle first",
  ruleOf: () => "S16",
  titleOf: ({ name }) =>
    `${name} rejects with \`closed\` during and after close and sends nothing, and a call in flight settles first`,
  cellsOf: (operation) =>
    moments.map((condition) => ({ condition, reason: reasonOf(operation, condition), spots: ["only"] })),
  async run(context, operation) {
    const probe = await prober(context);
    for (const moment of moments) {
      if (reasonOf(operation, moment) !== undefined) continue;
      const what = `${operation.name}, ${moment}`;
      const { target, requests, run } = await probe({ operation, spot: "only" });
      const closing = moment === "in flight when close is called" ? undefined : target.store.close();
      if (moment === "after close") await closing;
      const before = requests();
      const running = run();
      await (closing ?? target.store.close());
      const { errors, outcomes } = await running;
      if (closing === undefined) {
        assert.deepEqual(errors, [], `${what}: the call must succeed`);
        continue;
      }
      assert.equal(requests(), before, `${what}: nothing must be sent`);
      assert.ok(errors.length > 0, `${what}: the call must reject`);
      for (const { code } of errors) assert.equal(code, "closed", `${what}: the code`);
      if (isWrite(operation)) assert.deepEqual([...new Set(outcomes)], ["not-applied"], `${what}: the outcomes`);
    }
  },
};

function reasonOf({ method }: TableOperation, moment: Moment): string | undefined {
  const isSeveralCalls = method === "listKeys" || method === "keys" || method === "buckets";
  return isSeveralCalls && moment === "in flight when close is called" ? "each page is a separate call" : undefined;
}
