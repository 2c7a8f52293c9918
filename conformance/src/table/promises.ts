import type { CaseContext } from "../case-context.js";
import type { Rule } from "../rules.js";
import type { TableOperation } from "./operations.js";
import type { Spot } from "./probe.js";

/** A cell of the table: a condition under which a promise is tested on an operation. */
export interface Cell {
  readonly condition: string;
  /** Why the operation needs no test under this condition. */
  readonly reason?: string | undefined;
  readonly spots: readonly Spot[];
}

/** A promise that every operation keeps. It yields one case per operation, unless every cell is a reason. */
export interface TablePromise {
  /** The part of the case ids that names the promise. */
  readonly id: string;
  /** What the promise says, for the coverage page. */
  readonly text: string;
  ruleOf(operation: TableOperation): Rule;
  titleOf(operation: TableOperation): string;
  cellsOf(operation: TableOperation): readonly Cell[];
  /** Tests all cells of an operation that have no reason. */
  run(context: CaseContext, operation: TableOperation): Promise<void>;
}

/** Returns the conditions that have no reason, each with every position of its fault. */
export function testedCells<Condition>(
  operation: TableOperation,
  conditions: readonly Condition[],
  reasonOf: (operation: TableOperation, condition: Condition) => string | undefined,
): readonly (readonly [condition: Condition, spot: Spot])[] {
  const tested = conditions.filter((condition) => reasonOf(operation, condition) === undefined);
  return tested.flatMap((condition) => spotsOf(operation).map((spot) => [condition, spot] as const));
}

const singleSpot: readonly Spot[] = ["only"];
const everySpot: readonly Spot[] = ["first", "middle", "last"];

/** Returns the positions of a fault: the keys, requests or pages where it may occur. */
export function spotsOf({ isBatch, kind }: TableOperation): readonly Spot[] {
  return isBatch || kind === "pages" ? everySpot : singleSpot;
}
