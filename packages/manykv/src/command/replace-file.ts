import { randomBytes } from "node:crypto";
import { constants, createReadStream, type Stats } from "node:fs";
import { access, type FileHandle, open, readlink, realpath, rename, rm, truncate, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { hasCode, withFileError } from "./errors.js";
import type { OpenFile, Output } from "./output.js";

/**
 * Opens a file that keeps its old content until the new content is complete: it is written under a temporary name and
 * then renamed. If this is impossible, for example because the file is a mount point or its directory may not be written,
 * writes the file itself. After a failure, such a file is empty.
 */
export const replaceFile: OpenFile = async (path, existing, stop) => {
  const target = await followLinks(path);
  // A rename would also replace a file that may not be written.
  if (existing !== undefined) await access(target, constants.W_OK);
  // No file can have the name "" or "name/". Fail now instead of at the rename.
  else if (/(^|\/)$/.test(path)) await access(path);
  const part = join(dirname(target), `${basename(target).slice(0, 40)}.${randomBytes(6).toString("hex")}.part`);
  const handle = await unlessImpossible(existing, () => createPart(part, existing));
  if (handle === undefined) return fileInPlace(path, target);
  return {
    write: (data) => withFileError("write", path, () => handle.appendFile(data)),
    finish: () =>
      withFileError("write", path, async () => {
        await handle.sync(); // Otherwise, the file could be incomplete after a power failure.
        await handle.close();
        const renamed = await unlessImpossible(existing, () => rename(part, target).then(() => true));
        if (renamed) return;
        await overwrite(target, part, stop);
        await rm(part);
      }),
    abandon: async () => {
      await handle.close().catch(() => {});
      await rm(part, { force: true }).catch(() => {});
    },
  };
};

/** Returns `undefined` if an existing file cannot be replaced, but perhaps written in place. */
async function unlessImpossible<Value>(
  existing: Stats | undefined,
  action: () => Promise<Value>,
): Promise<Value | undefined> {
  try {
    return await action();
  } catch (error) {
    if (existing === undefined || !hasCode(error, "EACCES", "EBUSY", "ENAMETOOLONG", "EPERM", "EROFS", "EXDEV"))
      throw error;
    return undefined;
  }
}

/** Creates the temporary file with the owner and the permissions of the file that it replaces. */
async function createPart(path: string, replaced: Stats | undefined): Promise<FileHandle> {
  if (replaced === undefined) return open(path, "wx");
  const handle = await open(path, "wx", 0o600);
  try {
    const { uid, gid } = await handle.stat();
    if (uid !== replaced.uid || gid !== replaced.gid) await handle.chown(replaced.uid, replaced.gid);
    await handle.chmod(replaced.mode & 0o7777);
    return handle;
  } catch (error) {
    await handle.close();
    await rm(path);
    throw error;
  }
}

/** Writes an existing file. Keeps the old content until the first write, because the store may already fail before it. */
async function fileInPlace(path: string, target: string): Promise<Output> {
  const handle = await open(target, constants.O_WRONLY);
  let emptied = false;
  const empty = async (): Promise<void> => {
    if (!emptied) await handle.truncate();
    emptied = true;
  };
  return {
    write: (data) =>
      withFileError("write", path, async () => {
        await empty();
        await handle.appendFile(data);
      }),
    finish: () =>
      withFileError("write", path, async () => {
        await empty();
        await handle.sync();
        await handle.close();
      }),
    abandon: async () => {
      if (emptied) await handle.truncate().catch(() => {});
      await handle.close().catch(() => {});
    },
  };
}

/** Copies a complete file over the content of another. */
async function overwrite(target: string, source: string, stop: AbortSignal): Promise<void> {
  try {
    // Without O_CREAT, because Linux does not let users open the files of others in /tmp with it.
    const flag = constants.O_WRONLY | constants.O_TRUNC;
    await writeFile(target, createReadStream(source), { flag, flush: true, signal: stop });
  } catch (error) {
    await truncate(target).catch(() => {});
    throw error;
  }
}

/** Follows symbolic links and returns the path of their target, even if it is missing. Does not change the links. */
async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    const link = await readlink(path).catch(() => undefined);
    return link === undefined ? path : followLinks(resolve(await realpath(dirname(path)), link));
  }
}
