import { randomBytes } from "node:crypto";

/** Returns a bucket name or prefix that no other contender uses. Its length is typical of applications. */
export function uniqueName(): string {
  return `bench${randomBytes(3).toString("hex")}`;
}

/** Returns a `Buffer` that shares the memory of a value, for libraries that accept only Buffers. */
export function asBuffer(value: Uint8Array | undefined): Buffer {
  if (value === undefined) throw new Error("asBuffer: every key of a workload must have a value.");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Loads the library of a contender. If the import fails, rejects with an error that names the contender. */
export async function load<Module>(name: string, importModule: () => Promise<Module>): Promise<Module> {
  try {
    return await importModule();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Cannot load the contender ${name}. Run \`pnpm install\` and check that the library supports this platform. (${reason})`,
      { cause: error },
    );
  }
}
