/** Returns a unique bucket name of 24 lowercase letters and digits. */
export function randomName(): string {
  return `t${crypto.randomUUID().replaceAll("-", "").slice(0, 23)}`;
}

/** Returns a random seed from 0 to 2^32 - 1. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
