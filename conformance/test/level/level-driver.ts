import {
  allDone,
  type BucketsAnswer,
  type Driver,
  type DriverLimits,
  type Fault,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type PageRequest,
  type ReadAnswer,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import type { ClassicLevel } from "classic-level";

/** An open database whose keys and values are bytes. */
export type Database = ClassicLevel<Uint8Array, Uint8Array>;

const request = Object.freeze({ maxKeys: 1_000, maxBytes: 16_000_000 });

/** LevelDB has no request limits. These limits restrict a request to 1,000 keys and 16 MB of keys and values. */
const limits: DriverLimits = Object.freeze({
  maxValueBytes: 16_000_000,
  get: request,
  set: request,
  delete: request,
  concurrency: 4,
});

const keysPerPage = 1_000;

/**
 * Returns a driver for LevelDB that uses only the public driver interface. The caller opens and closes the database.
 */
export function levelDriver(database: Database): Driver {
  return new LevelDriver(database);
}

class LevelDriver implements Driver {
  readonly name = "level";
  readonly limits: DriverLimits = limits;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get({ bucket, keys }: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    const values = await this.#database.getMany(keys.map((key) => toPath(bucket, key)));
    return { values: values.map((value) => value && new Uint8Array(value)) };
  }

  async exists({ bucket, keys }: KeysRequest): Promise<ReadAnswer<boolean>> {
    return { values: await this.#database.hasMany(keys.map((key) => toPath(bucket, key))) };
  }

  async set({ bucket, keys, values }: SetRequest): Promise<WriteAnswer> {
    await this.#database.batch(
      keys.map((key, index) => ({
        type: "put",
        key: toPath(bucket, key),
        value: values[index] as Uint8Array,
      })),
    );
    return allDone;
  }

  async delete({ bucket, keys }: KeysRequest): Promise<WriteAnswer> {
    await this.#database.batch(keys.map((key) => ({ type: "del", key: toPath(bucket, key) })));
    return allDone;
  }

  /**
   * Lists one page of keys. The cursor contains the last key of the previous page, so keys that are added or deleted
   * later do not shift the other keys.
   */
  async list({ bucket, prefix, cursor }: ListRequest): Promise<ListAnswer> {
    const start = toPath(bucket, "");
    const first = toPath(bucket, prefix);
    const after = cursor === undefined ? undefined : toPath(bucket, keyOfCursor(cursor));
    const range = {
      ...(after === undefined || Buffer.compare(after, first) < 0 ? { gte: first } : { gt: after }),
      lt: endOf(first),
      limit: keysPerPage,
    };
    const keys = (await this.#database.keys(range).all()).map((path) => toKey(path, start));
    const last = keys.at(-1);
    return keys.length < keysPerPage || last === undefined ? { keys } : { keys, cursor: toCursor(last) };
  }

  /** Returns the first bucket after that of the cursor. */
  async listBuckets({ cursor }: PageRequest): Promise<BucketsAnswer> {
    const range = cursor === undefined ? {} : { gte: endOf(toPath(cursor, "")) };
    const [path] = await this.#database.keys({ ...range, limit: 1 }).all();
    if (path === undefined) return { buckets: [] };
    const bucket = Buffer.from(path.subarray(0, path.indexOf(0))).toString();
    return { buckets: [bucket], cursor: bucket };
  }

  async close(): Promise<void> {}

  classify(error: unknown): Fault {
    if (error instanceof BadCursor) return { code: "invalid-argument", retryable: false, effect: "none" };
    const code = codeOf(error);
    const closed = code === "LEVEL_DATABASE_NOT_OPEN";
    return {
      code: closed ? "unavailable" : "internal",
      retryable: closed,
      effect: closed ? "none" : "unknown",
      reason: code,
    };
  }
}

/** Returns the database key of a key in a bucket. A bucket name contains no U+0000, so the separator is unambiguous. */
function toPath(bucket: string, key: string): Uint8Array {
  return Buffer.from(`${bucket}\0${key}`);
}

function toKey(path: Uint8Array, start: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(path.subarray(start.length));
}

/** Returns the exclusive upper bound of the database keys with a prefix. No byte of UTF-8 is 255. */
function endOf(start: Uint8Array): Uint8Array {
  const end = Uint8Array.from(start);
  end[end.length - 1] = (end.at(-1) as number) + 1;
  return end;
}

class BadCursor extends Error {}

function toCursor(key: string): string {
  return Buffer.from(key).toString("base64url");
}

function keyOfCursor(cursor: string): string {
  const key = Buffer.from(cursor, "base64url").toString();
  if (toCursor(key) !== cursor) throw new BadCursor();
  return key;
}

/** Returns only the LevelDB code of an error. The other parts of the error may contain keys or paths. */
function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && /^LEVEL_\w+$/.test(code) ? code : undefined;
}
