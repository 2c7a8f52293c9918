import { Buffer } from "node:buffer";

/** Yields the input in chunks of `size` bytes, like a stream. */
export async function* chunksOf(bytes: string | Uint8Array, size = 7): AsyncGenerator<Buffer> {
  const buffer = Buffer.from(bytes);
  for (let start = 0; start < buffer.length; start += size) yield buffer.subarray(start, start + size);
}

/** Collects the items of all batches. */
export async function collect<Item>(batches: AsyncIterable<Iterable<Item>>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}
