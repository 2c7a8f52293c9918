import { randomBytes } from "node:crypto";

/** A bucket or prefix that no other contender uses, about as long as those people choose. */
export function uniqueName(): string {
  return `bench${randomBytes(3).toString("hex")}`;
}

/** A value as a `Buffer` over the same memory, for libraries that accept nothing else. */
export function asBuffer(value: Uint8Array | undefined): Buffer {
  if (value === undefined) throw new Error("There is a key without a value.");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Loads the library of a contender. */
export async function load<Module>(name: string, importModule: () => Promise<Module>): Promise<Module> {
  try {
    return await importModule();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Cannot load the contender ${name}. Run \`pnpm install\` and check that it supports this platform. (${reason})`,
      { cause: error },
    );
  }
}
