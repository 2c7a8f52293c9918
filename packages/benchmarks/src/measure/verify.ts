import type { Found, Operation, Trial } from "./contender.js";
import type { Lot } from "./lot.js";

/** Why a contender's operation is not timed. */
export interface Disqualified {
  readonly operation: Operation;
  readonly reason: string;
}

/** Runs a trial once and checks what it does: nobody is faster by doing less. */
export async function verify(trial: Trial, lot: Lot): Promise<Disqualified[]> {
  const wrong: Disqualified[] = [];
  const check = async (operation: Operation, body: () => Promise<string | undefined>): Promise<void> => {
    const reason = await body().catch((error: unknown) => `fails: ${firstLine(error)}`);
    if (reason !== undefined) wrong.push({ operation, reason });
  };
  const read = trial.readBack ?? trial.get;
  const nothing = lot.expected.map(() => undefined);
  await check("set", async () => {
    await trial.set?.();
    return difference(await read?.(), lot.expected);
  });
  await check("get", async () => difference(await trial.get?.(), lot.expected));
  await check("delete", async () => {
    if (trial.delete === undefined) return undefined;
    await trial.delete();
    return difference(await read?.(), nothing);
  });
  return wrong;
}

function difference(found: Found | undefined, expected: Lot["expected"]): string | undefined {
  if (found === undefined) return undefined;
  const values = found();
  if (values.length !== expected.length) return `leaves ${values.length} places for ${expected.length}`;
  const place = expected.findIndex((value, index) => !same(value, values[index]));
  return place < 0 ? undefined : `leaves a wrong value at place ${place}`;
}

function same(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}

/** Long enough to tell what is wrong; an engine's message may go on to repeat the whole request. */
const longestReason = 90;

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n", 1)[0] ?? "").slice(0, longestReason);
}
