/**
 * The functions of a test runner that the suite calls. vitest, node:test, Jest and Bun provide these functions.
 * `timeout` is in milliseconds. Runners without a timeout parameter, such as node:test, ignore `timeout`.
 */
export interface Runner {
  /** Defines a group of tests. `body` defines the tests and the nested groups. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Defines a test. The test fails if the promise that `body` returns rejects. */
  readonly test: (name: string, body: () => Promise<void>, timeout?: number) => unknown;
}

type Define = Runner["test"];

/** Returns the function `test.skip` of the runner, or `undefined` if the runner does not have it. */
export function skipOf(test: Define): Define | undefined {
  const { skip } = test as { skip?: Define };
  return typeof skip === "function" ? skip : undefined;
}
