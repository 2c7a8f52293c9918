/**
 * What the suite takes from a test runner: vitest, node:test, Jest and Bun all have it. `timeout` is passed where the
 * runner takes one in third place, and means nothing to the others.
 */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly test: (name: string, body: () => Promise<void>, timeout?: number) => unknown;
}

type Define = Runner["test"];

/** The runner's own way to mark a test as skipped, where it has one. */
export function skipOf(test: Define): Define | undefined {
  const { skip } = test as { skip?: Define };
  return typeof skip === "function" ? skip : undefined;
}
