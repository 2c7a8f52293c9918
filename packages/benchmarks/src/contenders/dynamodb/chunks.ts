/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
export const LARGEST_READ = 100;
/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
export const LARGEST_WRITE = 25;

export function inChunks<Item>(items: readonly Item[], most: number): (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, chunk) =>
    items.slice(chunk * most, (chunk + 1) * most),
  );
}

/** Does all of the work, so many pieces at a time. */
export async function together<Piece, Result>(
  pieces: readonly Piece[],
  atATime: number,
  work: (piece: Piece) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < pieces.length) {
      const place = next++;
      results[place] = await work(pieces[place] as Piece);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, pieces.length) }, lane));
  return results;
}
