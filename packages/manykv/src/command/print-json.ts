import type { Interrupt } from "./interrupt.js";
import { openStandardOutput } from "./output.js";

/** Prints a result for programs to standard output. */
export async function printJson(result: object, { abort }: Interrupt): Promise<void> {
  const output = await openStandardOutput(abort);
  await output.write(`${JSON.stringify(result)}\n`);
}
