import type { Random } from "@manykv/conformance/faults";

/** Receives a chunk of a response. Returns the bytes to send instead, or `undefined` to discard the chunk. */
export type Mutation = (chunk: Buffer) => Buffer | undefined;

const mutations: Readonly<Record<string, (chunk: Buffer, random: Random) => Buffer | undefined>> = {
  "flip a byte": (chunk, random) => {
    const changed = Buffer.from(chunk);
    const place = random.integer(0, changed.length - 1);
    changed[place] = (changed[place] as number) ^ (1 << random.integer(0, 7));
    return changed;
  },
  "change some bytes": (chunk, random) => {
    const changed = Buffer.from(chunk);
    for (let times = random.integer(2, 12); times > 0; times--) {
      changed[random.integer(0, changed.length - 1)] = random.integer(0, 255);
    }
    return changed;
  },
  "change a digit": (chunk, random) => {
    const changed = Buffer.from(chunk);
    const digits = [...changed.keys()].filter((place) => /\d/.test(String.fromCharCode(changed[place] as number)));
    if (digits.length > 0) changed[random.pick(digits)] = 0x30 + random.integer(0, 9);
    return changed;
  },
  "huge length": (chunk, random) => {
    const place = random.integer(0, chunk.length - 1);
    const huge = random.pick([Buffer.of(0x7f, 0xff, 0xff, 0xff), Buffer.from("99999999999"), Buffer.from("-9")]);
    return Buffer.concat([chunk.subarray(0, place), huge, chunk.subarray(place + huge.length)]);
  },
  truncate: (chunk, random) => chunk.subarray(0, random.integer(0, chunk.length - 1)),
  "cut the head": (chunk, random) => chunk.subarray(random.integer(1, chunk.length)),
  "remove the middle": (chunk, random) => {
    const from = random.integer(0, chunk.length);
    return Buffer.concat([chunk.subarray(0, from), chunk.subarray(from + random.integer(1, 20))]);
  },
  repeat: (chunk) => Buffer.concat([chunk, chunk]),
  "insert noise": (chunk, random) => {
    const place = random.integer(0, chunk.length);
    return Buffer.concat([chunk.subarray(0, place), noise(random), chunk.subarray(place)]);
  },
  "only noise": (_, random) => noise(random),
  discard: () => undefined,
};

export const mutationNames: readonly string[] = Object.keys(mutations);

/**
 * Returns a random mutation. It leaves up to ten chunks of responses unchanged, and then changes the next chunk, the
 * next three chunks, or all later chunks.
 */
export function drawMutation(random: Random): { readonly name: string; readonly mutate: Mutation } {
  const name = random.pick(mutationNames);
  let skip = random.pick([0, 0, 1, 2, 5, 10]);
  let left = random.pick([1, 1, 3, Number.POSITIVE_INFINITY]);
  const mutate: Mutation = (chunk) => {
    if (skip-- > 0 || left-- <= 0 || chunk.length === 0) return chunk;
    return mutations[name]?.(chunk, random);
  };
  return { name, mutate };
}

function noise(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.integer(1, 60) }, () => random.integer(0, 255)));
}
