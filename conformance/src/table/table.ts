import type { ConformanceCase } from "../conformance-case.js";
import { kebab } from "../support/strings.js";
import { cancel } from "./cancel.js";
import { closed } from "./closed.js";
import { deadline } from "./deadline.js";
import { fence } from "./fence.js";
import { leak } from "./leak.js";
import { operations, type TableOperation } from "./operations.js";
import { order } from "./order.js";
import type { TablePromise } from "./promises.js";
import { truth } from "./truth.js";

/** The promises of the table. Each is tested on every operation. */
export const promises: readonly TablePromise[] = [truth, order, deadline, cancel, fence, leak, closed];

/** The cases of the table: one for each promise and operation, unless a reason stands in every cell. */
export const tableCases: readonly ConformanceCase[] = promises.flatMap((promise) =>
  operations.filter((operation) => hasCase(promise, operation)).map((operation) => caseOf(promise, operation)),
);

export function hasCase(promise: TablePromise, operation: TableOperation): boolean {
  return promise.cellsOf(operation).some(({ reason }) => reason === undefined);
}

/** Returns the id of the case that tests a promise on an operation. */
export function caseId(promise: TablePromise, operation: TableOperation): string {
  const rule = promise.ruleOf(operation).replace(/^S(\d+)$/, (_, number: string) => `s${number.padStart(2, "0")}`);
  return `${rule}-${promise.id}-${operation.name.split(" ").map(kebab).join("-")}`;
}

function caseOf(promise: TablePromise, operation: TableOperation): ConformanceCase {
  const { needs, wit } = operation;
  return {
    id: caseId(promise, operation),
    rule: promise.ruleOf(operation),
    subject: "core",
    ...(needs && { needs }),
    ...(promise === truth && wit && { wit }),
    title: promise.titleOf(operation),
    run: (context) => promise.run(context, operation),
  };
}
