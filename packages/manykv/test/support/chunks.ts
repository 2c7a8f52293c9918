import { Buffer } from "node:buffer";

/** Bytes in pieces of a size, as a stream might give them. */
export async function* chunksOf(bytes: string | Uint8Array, size = 7): AsyncGenerator<Buffer> {
  const buffer = Buffer.from(bytes);
  for (let start = 0; start < buffer.length; start += size) yield buffer.subarray(start, start + size);
}

/** All that comes, in one array. */
export async function collect<Item>(batches: AsyncIterable<Iterable<Item>>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}
