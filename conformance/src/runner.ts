/**
 * What the suite needs from a test runner. vitest, node:test, Jest and Bun all provide it. Runners without a third
 * parameter ignore `timeout`.
 */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly test: (name: string, body: () => Promise<void>, timeout?: number) => unknown;
}

type Define = Runner["test"];

/** Returns the runner's function for skipped tests, if it has one. */
export function skipOf(test: Define): Define | undefined {
  const { skip } = test as { skip?: Define };
  return typeof skip === "function" ? skip : undefined;
}
