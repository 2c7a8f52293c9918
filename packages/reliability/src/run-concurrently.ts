/** Calls `task` once for each run, from 0 to `runs - 1`. Each worker makes one call after another. */
export async function runConcurrently<Worker>(
  workers: readonly Worker[],
  runs: number,
  task: (worker: Worker, run: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    workers.map(async (worker) => {
      while (next < runs) await task(worker, next++);
    }),
  );
}
