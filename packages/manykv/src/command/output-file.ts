import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileError } from "./command-error.js";
import type { Output } from "./output.js";

/** A regular file is written beside its place and moved there when whole. Anything else, as a device, is written to. */
export async function openOutputFile(path: string): Promise<Output> {
  const inWords = async <Value>(action: () => Promise<Value>): Promise<Value> => {
    try {
      return await action();
    } catch (error) {
      throw fileError("write", path, error);
    }
  };
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined && !existing.isFile()) {
    const handle = await inWords(() => open(path, "w"));
    return {
      write: (data) => inWords(() => handle.appendFile(data)),
      finish: () => inWords(() => handle.close()),
      abandon: () => handle.close().catch(() => {}),
    };
  }
  const target = await inWords(() => behindLinks(path));
  const part = `${target}.${randomBytes(6).toString("hex")}.part`;
  const handle = await inWords(() => openPart(part, existing));
  return {
    write: (data) => inWords(() => handle.appendFile(data)),
    finish: () =>
      inWords(async () => {
        await handle.close();
        await rename(part, target);
      }),
    abandon: async () => {
      await handle.close().catch(() => {});
      await rm(part, { force: true });
    },
  };
}

/** A new file, which nobody can read who could not read the one that it is to replace. */
async function openPart(path: string, replaced: Stats | undefined): Promise<FileHandle> {
  if (replaced === undefined) return open(path, "wx");
  const handle = await open(path, "wx", 0o600);
  await handle.chmod(replaced.mode & 0o777);
  return handle;
}

/** The file that a path leads to over symbolic links, which stay as they are. It need not be there. */
async function behindLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    const link = await readlink(path).catch(() => undefined);
    return link === undefined ? path : behindLinks(resolve(dirname(path), link));
  }
}
