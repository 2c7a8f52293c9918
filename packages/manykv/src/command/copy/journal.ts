import { randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { CommandError, exitCode, hasCode, withFileError } from "../errors.js";

/** How far an unfinished copy has come with one bucket. */
export interface BucketProgress {
  /** Whether the whole bucket was copied. */
  readonly done: boolean;
  /** Where to continue to list the keys. Every key that was listed before it was copied. Absent at the start. */
  readonly cursor?: string | undefined;
  /** Number of records that were copied so far. */
  readonly copied: number;
}

interface Content {
  /** Says what the file is. */
  readonly journal: typeof title;
  readonly version: 1;
  /** A hash of the two stores, the buckets and the prefix. */
  readonly copy: string;
  readonly startedAt: string;
  readonly buckets: Readonly<Record<string, BucketProgress>>;
}

const title = "manykv copy";

/**
 * Remembers in a file how far a copy has come, so that the same command can continue after it was stopped or killed. The
 * file contains hashes of the stores and cursors of listings. A cursor may contain a key, but the file contains no value
 * and no password.
 */
export class Journal {
  readonly #path: string;
  readonly #copy: string;
  readonly #buckets: Map<string, BucketProgress>;
  #saving: Promise<void> | undefined;
  #savedAt = 0;
  /** When the copy began, or `undefined` if no earlier run copied anything. */
  readonly continuedFrom: string | undefined;
  readonly #startedAt: string;

  private constructor(path: string, copy: string, content: Content | undefined) {
    this.#path = path;
    this.#copy = copy;
    this.#buckets = new Map(Object.entries(content?.buckets ?? {}));
    this.continuedFrom = this.#buckets.size === 0 ? undefined : content?.startedAt;
    this.#startedAt = content?.startedAt ?? new Date().toISOString();
  }

  /** Opens the journal of a copy, or creates it. With `restart`, discards what an earlier run of the copy has done. */
  static async open(path: string, copy: string, restart: boolean): Promise<Journal> {
    const content = await withFileError("read", path, () => readContent(path));
    if (content !== undefined && content.copy !== copy) {
      throw new CommandError(
        exitCode.usage,
        `the journal ${JSON.stringify(path)} belongs to another copy: it has other stores, buckets or another prefix. Pass another file with --journal, or delete the file if that copy is obsolete`,
      );
    }
    const journal = new Journal(path, copy, restart ? undefined : content);
    // Fail before the copy begins if the file cannot be written.
    await journal.save();
    return journal;
  }

  /** Returns how far the copy has come with a bucket, or `undefined` if it did not start yet. */
  progressOf(bucket: string): BucketProgress | undefined {
    return this.#buckets.get(bucket);
  }

  /** Records the progress of a bucket. Saves it at most four times a second, without waiting for the file. */
  record(bucket: string, progress: BucketProgress): void {
    this.#buckets.set(bucket, progress);
    if (this.#saving !== undefined || performance.now() - this.#savedAt < saveMilliseconds) return;
    // `save` waits for this write and reports its error.
    this.#saving = this.#write().finally(() => {
      this.#saving = undefined;
    });
    this.#saving.catch(() => {});
  }

  /** Saves what was recorded. */
  async save(): Promise<void> {
    await this.#saving?.catch(() => {});
    await this.#write();
  }

  /** Deletes the file, because the copy is complete. */
  async remove(): Promise<void> {
    await this.#saving?.catch(() => {});
    await withFileError("write", this.#path, () => rm(this.#path, { force: true }));
  }

  /** Replaces the file at once, so that it is complete even if the process or the system stops meanwhile. */
  async #write(): Promise<void> {
    this.#savedAt = performance.now();
    const content: Content = {
      journal: title,
      version: 1,
      copy: this.#copy,
      startedAt: this.#startedAt,
      buckets: Object.fromEntries(this.#buckets),
    };
    // The same copy may run twice at the same time, so each write has its own temporary file.
    const part = `${this.#path}.${randomBytes(6).toString("hex")}.part`;
    await withFileError("write", this.#path, async () => {
      try {
        await writeFile(part, `${JSON.stringify(content)}\n`, { flag: "wx", mode: 0o600, flush: true });
        await rename(part, this.#path);
      } catch (error) {
        await rm(part, { force: true }).catch(() => {});
        throw error;
      }
    });
  }
}

const saveMilliseconds = 250;

async function readContent(path: string): Promise<Content | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  const content = parse(text);
  if (content?.journal === title && content.version === 1) return content;
  throw new CommandError(
    exitCode.usage,
    `${JSON.stringify(path)} is not a journal that this version of manykv copy wrote: pass another file with --journal, or delete the file`,
  );
}

function parse(text: string): Content | undefined {
  try {
    return JSON.parse(text) as Content;
  } catch {
    return undefined;
  }
}
