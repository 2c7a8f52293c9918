import { randomBytes } from "node:crypto";
import { constants, createReadStream, type Stats } from "node:fs";
import { access, type FileHandle, open, readlink, realpath, rename, rm, truncate, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { hasCode, withFileError } from "./errors.js";
import type { OpenFile, Output } from "./output.js";

/**
 * Opens a file for writing. The file keeps its old content until the new content is complete: `write` writes to a
 * temporary file, and `finish` renames this file. If this is impossible, for example because the file is a mount point
 * or its directory is not writable, the output overwrites the file. If that fails after it began, the file is empty.
 */
export const replaceFile: OpenFile = async (path, existing, stop) => {
  const target = await followLinks(path);
  // A rename would replace even a file that is not writable.
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
        await handle.sync(); // Without it, the file could be incomplete after a power failure.
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

/** Runs a step of a replacement. Returns `undefined` if this step fails, but an existing file may still be writable. */
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

/** Opens an existing file to overwrite it. Keeps its content until the first write: the store may fail before that. */
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

/** Replaces the content of the file `target` with the content of the file `source`. */
async function overwrite(target: string, source: string, stop: AbortSignal): Promise<void> {
  try {
    // Without O_CREAT, because with this flag, Linux does not let a user open a file of another user in /tmp.
    const flag = constants.O_WRONLY | constants.O_TRUNC;
    await writeFile(target, createReadStream(source), { flag, flush: true, signal: stop });
  } catch (error) {
    await truncate(target).catch(() => {});
    throw error;
  }
}

/** Follows symbolic links and returns the path of their target, even if the target does not exist. */
export async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    const link = await readlink(path).catch(() => undefined);
    return link === undefined ? path : followLinks(resolve(await realpath(dirname(path)), link));
  }
}
