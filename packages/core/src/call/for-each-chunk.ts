import type { Batch } from "../input/batch.js";
import { type Chunk, chunksOf, type DuplicatePolicy, findDuplicates } from "../input/chunk.js";
import type { Call } from "./call.js";

/**
 * Finds duplicates, then calls `handle` for each chunk of a batch, until the call must stop. Handles several chunks at
 * the same time. Does not wait for a short batch, because the driver may have to encode its values before the method
 * returns.
 */
export async function forEachChunk(
  call: Call,
  batch: Batch,
  policy: DuplicatePolicy,
  handle: (chunk: Chunk) => Promise<void>,
): Promise<void> {
  const { driver, options } = call.core;
  const found = findDuplicates(batch.keys, policy, call);
  batch.canonical = found instanceof Promise ? await found : found;
  let chunks: IterableIterator<Chunk> = chunksOf(batch);
  const handleChunks = async (): Promise<void> => {
    for (let next = chunks.next(); !next.done; next = chunks.next()) {
      await handle(next.value);
      if (call.fault !== undefined) return;
    }
  };
  // Small batches skip the rest, which takes as long as all other work of core for one key.
  if (batch.chunkStarts.length === 1) return handleChunks();
  const running = Array.from({ length: Math.min(options.concurrency, batch.chunkStarts.length) }, handleChunks);
  if (batch.areBorrowed) {
    // Encode the caller's own arrays now, because the caller may change them as soon as the method returns.
    const rest = [...chunks];
    for (const chunk of rest) {
      try {
        chunk.prepare(driver, call.bucket);
      } catch {
        // Sending the chunk will encode it again and report the error.
      }
    }
    chunks = rest.values();
  }
  await Promise.all(running);
}
