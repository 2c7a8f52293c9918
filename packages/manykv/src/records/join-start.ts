import { Buffer } from "node:buffer";

/** Joins the first chunks until `isComplete` returns `true` for them, or until the input ends. */
export async function* joinStart(
  chunks: AsyncIterable<Buffer>,
  isComplete: (start: Buffer) => boolean,
): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (start === undefined) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (!isComplete(start)) continue;
    yield start;
    start = undefined;
  }
  if (start !== undefined && start.length > 0) yield start;
}
