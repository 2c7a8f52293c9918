/** How often a start is tried. */
const ATTEMPTS = 10;

/** Tries `start` until it succeeds: again where `passes` says of what went wrong that another attempt may go well. */
export async function startAgain<T>(
  start: () => Promise<T>,
  passes: (error: unknown) => boolean | Promise<boolean>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === ATTEMPTS || !(await passes(error))) throw error;
    }
  }
}
