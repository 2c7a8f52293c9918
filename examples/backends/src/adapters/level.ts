import * as kit from "@manykv/core/driver";
import type { ClassicLevel } from "classic-level";
import type { MemoryLevel } from "memory-level";

const most = Object.freeze({ maxKeys: 1_000, maxBytes: 16_000_000 });
const limit = 1_000;

/** memory-level has the same methods. */
const openSublevel = (database: ClassicLevel, bucket: string) =>
  database.sublevel<string, Uint8Array>(bucket, { keyEncoding: "utf8", valueEncoding: "view" });

/** A driver on top of memory-level or classic-level. A bucket is a sublevel. The caller closes the database. */
export class LevelDriver implements kit.Driver {
  readonly name = "level";
  readonly limits = Object.freeze({ maxValueBytes: 1_000_000, get: most, set: most, delete: most, concurrency: 4 });
  readonly #sublevels = new Map<string, ReturnType<typeof openSublevel>>();
  readonly #open: (bucket: string) => ReturnType<typeof openSublevel>;

  constructor(database: ClassicLevel | MemoryLevel) {
    this.#open = (bucket) => {
      const sublevel = this.#sublevels.get(bucket) ?? openSublevel(database as ClassicLevel, bucket);
      this.#sublevels.set(bucket, sublevel);
      return sublevel;
    };
  }

  async get({ bucket, keys }: kit.KeysRequest) {
    const values = await this.#open(bucket).getMany([...keys]);
    return { values: values.map((value) => value && new Uint8Array(value)) };
  }

  async set({ bucket, keys, values }: kit.SetRequest) {
    // A copy, because memory-level keeps the array that it gets.
    const value = (index: number) => new Uint8Array(values[index] as Uint8Array);
    await this.#open(bucket).batch(keys.map((key, index) => ({ type: "put", key, value: value(index) })));
    return kit.allDone;
  }

  async delete({ bucket, keys }: kit.KeysRequest) {
    await this.#open(bucket).batch(keys.map((key) => ({ type: "del", key })));
    return kit.allDone;
  }

  /** Keys that start with the same string are neighbors. */
  async list({ bucket, prefix, cursor }: kit.ListRequest) {
    const range = cursor === undefined ? { gte: prefix, limit } : { gt: cursor, limit };
    const keys = await this.#open(bucket).keys(range).all();
    const matching = keys.filter((key) => key.startsWith(prefix));
    return { keys: matching, cursor: matching.length < limit ? undefined : matching.at(-1) };
  }

  classify(): kit.Fault {
    return { code: "internal", retryable: false, effect: "unknown" };
  }

  async close() {}
}
