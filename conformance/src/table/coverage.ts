import { operations, type TableOperation } from "./operations.js";
import type { TablePromise } from "./promises.js";
import { caseId, hasCase } from "./table.js";

/** A promise that cases outside the table test. */
export interface LinkedPromise {
  readonly promise: string;
  /** The conditions, each with the ids of its cases. */
  readonly conditions: Readonly<Record<string, readonly string[]>>;
}

/** What the hand-written cases add to the table: conditions that concern connections, processes or whole stores. */
export const linked: readonly LinkedPromise[] = [
  {
    promise: "Nothing takes effect after its call, unless the call reports that it may",
    conditions: {
      "the network delays a request until its call has settled": [
        "s09-network-late-write",
        "s18-network-late-insert",
        "s20-network-late-increment",
        "s21-network-late-swap",
      ],
      "the call is cancelled and its connection breaks": ["s09-network-cancelled-write"],
    },
  },
  {
    promise: "A client survives the loss of its connections, and its calls succeed again",
    conditions: {
      "a connection is idle, opening or closing": ["same-network-process-lost-connections"],
      "a connection carries a write": [
        "s09-network-cut-before-request",
        "s09-network-cut-in-request",
        "s09-network-cut-before-answer",
        "s09-network-reset-in-request",
        "s09-network-reset-in-answer",
        "s09-network-silent-connection",
        "s18-network-if-absent",
        "s20-network-increments",
        "s21-network-swaps",
        "s17-network-ttl",
      ],
      "a connection carries a read": ["s10-network-one-connection"],
      "the server is unreachable": ["s10-network-no-server"],
    },
  },
  {
    promise: "A closed store keeps no timer, socket or listener",
    conditions: {
      "it was used, or not": ["s16-process-close"],
      "its calls timed out": ["s16-network-process-after-timeout"],
      "its calls were cancelled, so that no fence has run": ["s16-network-process-after-cancelling"],
      "calls are in flight": ["s16-network-process-calls-in-flight"],
      "it connects": ["s16-network-process-connecting"],
      "the server refuses connections": ["s16-network-process-refused"],
    },
  },
  {
    promise: "A listing contains every key of its bucket and no other key",
    conditions: {
      "it has many pages": ["s14-every-key", "s14-prefix-many-pages", "s14-clear-many-pages"],
      "its cursors contain characters of every width": ["s14-every-key", "s14-cursor-of-another-client"],
      "other buckets have similar names": ["s14-only-this-bucket", "s14-clear", "s13-list-buckets-similar-names"],
      "keys come and go between its pages": ["s14-changes-while-listing", "s14-prefix-while-writing"],
    },
  },
];

/** Returns the table of a promise: a row for each operation, and the reasons that its cells refer to by number. */
export function coverageOf(promise: TablePromise): {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly reasons: readonly string[];
} {
  const conditions = [
    ...new Set(operations.flatMap((operation) => promise.cellsOf(operation).map(({ condition }) => condition))),
  ];
  const reasons: string[] = [];
  const cellOf = (operation: TableOperation, condition: string): string => {
    const cell = promise.cellsOf(operation).find((each) => each.condition === condition);
    if (cell?.reason === undefined) return (cell?.spots ?? []).join(", ");
    if (!reasons.includes(cell.reason)) reasons.push(cell.reason);
    return `(${reasons.indexOf(cell.reason) + 1})`;
  };
  const rows = operations.map((operation) => [
    operation.name,
    hasCase(promise, operation) ? `\`${caseId(promise, operation)}\`` : "",
    ...conditions.map((condition) => cellOf(operation, condition)),
  ]);
  return { head: ["operation", "case", ...conditions], rows, reasons };
}
