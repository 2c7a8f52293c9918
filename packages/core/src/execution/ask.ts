import type { DriverRequest } from "../driver.js";
import type { Batch } from "../input/batch.js";
import type { Call } from "./call.js";
import type { Engine } from "./engine.js";
import { read } from "./read.js";

/** A request about no key, such as a page of a listing: a batch of one place, so that it is retried as a read is. */
const onePlace: Batch = { keys: [""], cuts: [0], representatives: undefined, values: undefined };

export async function ask<Answer>(
  engine: Engine,
  call: Call,
  kind: string,
  send: (request: DriverRequest) => Promise<Answer>,
): Promise<Answer> {
  const [answer] = await read(engine, call, kind, onePlace, async (request) => ({
    values: [await send(request)],
  }));
  return answer as Answer;
}
