/** Runs `runs` tasks, as many at a time as there are lanes, each lane one after the other. */
export async function inLanes<Lane>(
  lanes: readonly Lane[],
  runs: number,
  task: (lane: Lane, run: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    lanes.map(async (lane) => {
      while (next < runs) await task(lane, next++);
    }),
  );
}
