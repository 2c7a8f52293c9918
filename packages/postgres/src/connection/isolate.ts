/**
 * Calls a function of another program, such as a listener that a tracing tool has added. If the function throws, the
 * exception becomes an uncaught exception, as without manykv, but does not interrupt manykv's own work.
 */
export function isolate<Result>(call: () => Result): Result | undefined {
  try {
    return call();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return undefined;
  }
}
