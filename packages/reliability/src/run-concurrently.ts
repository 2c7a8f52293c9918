/** Calls `task` `runs` times. Each worker runs one task after another. */
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
