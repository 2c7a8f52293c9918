/** Number of items that are worked on at the same time. */
const lanes = 6;

/** Calls `work` for each item, for several items at a time, so that a case does not flood a slow server. */
export async function inLanes<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
