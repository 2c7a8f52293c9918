/** A bucket name that no one else uses, of 24 lower-case letters and digits. */
export function randomName(): string {
  return `t${crypto.randomUUID().replaceAll("-", "").slice(0, 23)}`;
}

/** A seed for a run that was given none. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
