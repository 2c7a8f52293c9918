/** Runs `runs` tasks on a fixed set of workers, one task at a time on each. */
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
