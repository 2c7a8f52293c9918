// #region requests
import * as kit from "@manykv/core/driver";
import type { ClassicLevel } from "classic-level";

/** An open database whose keys and values are bytes. */
export type Database = ClassicLevel<Uint8Array, Uint8Array>;

/** A driver for LevelDB. The caller opens and closes the database. */
export class LevelDriver implements kit.Driver {
  readonly name = "level";
  readonly limits: kit.DriverLimits = limits;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get({ bucket, keys }: kit.KeysRequest): Promise<kit.ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    const values = await this.#database.getMany(keys.map((key) => toPath(bucket, key)));
    return { values: values.map((value) => value && new Uint8Array(value)) };
  }

  async set({ bucket, keys, values }: kit.SetRequest): Promise<kit.WriteAnswer> {
    await this.#database.batch(
      keys.map((key, index) => ({ type: "put", key: toPath(bucket, key), value: values[index] as Uint8Array })),
    );
    return kit.allDone;
  }

  async delete({ bucket, keys }: kit.KeysRequest): Promise<kit.WriteAnswer> {
    await this.#database.batch(keys.map((key) => ({ type: "del", key: toPath(bucket, key) })));
    return kit.allDone;
  }
  // #endregion requests

  // #region list
  /** The cursor is the last key of the page, so keys that are added or deleted later do not shift the others. */
  async list({ bucket, prefix, cursor }: kit.ListRequest): Promise<kit.ListAnswer> {
    const first = toPath(bucket, prefix);
    const after = cursor === undefined ? undefined : toPath(bucket, cursor);
    const start = after !== undefined && Buffer.compare(after, first) >= 0 ? { gt: after } : { gte: first };
    const paths = await this.#database.keys({ ...start, lt: endOf(first), limit: keysPerPage }).all();
    const keys = paths.map((path) => toKey(bucket, path));
    return { keys, cursor: keys.length < keysPerPage ? undefined : keys.at(-1) };
  }
  // #endregion list

  // #region optional
  async exists({ bucket, keys }: kit.KeysRequest): Promise<kit.ReadAnswer<boolean>> {
    return { values: await this.#database.hasMany(keys.map((key) => toPath(bucket, key))) };
  }

  /** Returns the first bucket after that of the cursor. */
  async listBuckets({ cursor }: kit.PageRequest): Promise<kit.BucketsAnswer> {
    const range = cursor === undefined ? {} : { gte: endOf(toPath(cursor, "")) };
    const [path] = await this.#database.keys({ ...range, limit: 1 }).all();
    if (path === undefined) return { buckets: [] };
    const bucket = Buffer.from(path.subarray(0, path.indexOf(0))).toString();
    return { buckets: [bucket], cursor: bucket };
  }
  // #endregion optional

  async close(): Promise<void> {}

  // #region errors
  classify(error: unknown): kit.Fault {
    const { code } = (error ?? {}) as { code?: unknown };
    if (code === "LEVEL_DATABASE_NOT_OPEN")
      return { code: "unavailable", retryable: true, effect: "none", reason: code };
    // Only the code: a message may contain keys or paths.
    const reason = typeof code === "string" && /^LEVEL_\w+$/.test(code) ? code : undefined;
    return { code: "internal", retryable: false, effect: "unknown", reason };
  }
  // #endregion errors
}

// #region limits
const request = Object.freeze({ maxKeys: 1_000, maxBytes: 16_000_000 });

/** LevelDB has no limits for a request. These keep a request small enough for the memory. */
const limits: kit.DriverLimits = Object.freeze({
  maxValueBytes: 16_000_000,
  get: request,
  set: request,
  delete: request,
  concurrency: 4,
});
// #endregion limits

const keysPerPage = 1_000;

// #region keys
/** Returns the database key of a key in a bucket. A bucket name contains no U+0000, so no two paths are equal. */
function toPath(bucket: string, key: string): Uint8Array {
  return Buffer.from(`${bucket}\0${key}`);
}

function toKey(bucket: string, path: Uint8Array): string {
  return Buffer.from(path).toString("utf8", bucket.length + 1);
}

/** Returns the end of the range of database keys that start with `path`. No byte of UTF-8 is 255. */
function endOf(path: Uint8Array): Uint8Array {
  return Buffer.concat([path, Uint8Array.of(255)]);
}
// #endregion keys
