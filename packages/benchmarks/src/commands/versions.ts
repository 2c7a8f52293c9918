import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Bucket, Store } from "@manykv/core";
import { elapsed, inTurn, ratio, runRounds } from "@manykv/measure";
import { startPostgres, startRedis } from "@manykv/test-services";
import { openStore } from "manykv";
import { uniqueName } from "../contenders/common.js";
import { makeWorkload } from "../measure/workload.js";
import { type Row, row, rowTable } from "../report.js";
import type { Limits } from "./acceptance.js";

export const comparableBackends = ["memory", "redis", "postgres"] as const;
export type ComparableBackend = (typeof comparableBackends)[number];

/** Highest accepted ratio of a call that a change does not concern. */
const bar = 1.03;
/** Number of keys in each bucket. */
const storedKeys = 5_000;

interface Version {
  readonly name: string;
  readonly store: Store;
  readonly bucket: Bucket;
}

/** Compares this version with other built checkouts of manykv: calls that every version has, on the same server. */
export async function runVersions(
  backends: readonly ComparableBackend[],
  folders: readonly string[],
  limits: Limits,
  progress: (text: string) => void,
): Promise<{ readonly rows: readonly Row[] }> {
  const rows: Row[] = [];
  for (const backend of backends) {
    const service =
      backend === "redis"
        ? await startRedis({ print: console.error })
        : backend === "postgres"
          ? await startPostgres({ print: console.error })
          : undefined;
    const url = service?.url ?? "memory:";
    const versions = [await openVersion("this version", openStore, backend, url)];
    for (const folder of folders) {
      const entry = pathToFileURL(join(resolve(folder), "packages/manykv/dist/index.js")).href;
      const other: { readonly openStore: typeof openStore } = await import(entry);
      versions.push(await openVersion(folder, other.openStore, backend, url));
    }
    for (const [operation, size, calls, call] of operations(backend)) {
      const measured = await race(versions, calls, call, limits);
      rows.push(
        ...measured.map(([name, spread]) => {
          return row({ operation: `${backend} ${operation}`, size, against: name, unit: "x", bar }, spread);
        }),
      );
    }
    for (const { store } of versions) await store.close();
    await service?.stop();
  }
  progress(`${rowTable(rows)}\n`);
  return { rows };
}

async function openVersion(name: string, open: typeof openStore, backend: string, url: string): Promise<Version> {
  const own = new URL(url);
  // Versions may create their tables with other columns.
  if (backend === "postgres") own.searchParams.set("table", uniqueName());
  const store = await open(own.href);
  await store.provision();
  const bucket = await store.open(uniqueName());
  const { keys, values } = makeWorkload({ keys: storedKeys, bytes: 100, hits: "all" }, 1);
  await bucket.setMany(keys.map((key, index) => [key, values[index] as Uint8Array]));
  return { name, store, bucket };
}

type Operation = [operation: string, size: string, calls: number, call: (bucket: Bucket) => Promise<unknown>];

/**
 * Returns the calls to compare, and how many of them make a sample. A sample that takes less than a millisecond would
 * mostly measure how the caches of the processor fill again.
 */
function operations(backend: ComparableBackend): Operation[] {
  const { keys, values } = makeWorkload({ keys: storedKeys, bytes: 100, hits: "all" }, 1);
  const [key = ""] = keys;
  const [value = new Uint8Array()] = values;
  const ofSize = (count: number): Operation[] => {
    const some = keys.slice(0, count);
    const entries = some.map((each, index) => [each, values[index] as Uint8Array] as const);
    const missing = some.map((each) => `missing ${each}`);
    const calls = Math.ceil((backend === "memory" ? 20_000 : 200) / count);
    return [
      ["getMany", `${count} x 100 B`, calls, (bucket) => bucket.getMany(some)],
      ["setMany", `${count} x 100 B`, calls, (bucket) => bucket.setMany(entries)],
      ["deleteMany", `${count} missing keys`, calls, (bucket) => bucket.deleteMany(missing)],
    ];
  };
  return [
    ["get", "1 x 100 B", 100, (bucket) => bucket.get(key)],
    ["set", "1 x 100 B", 100, (bucket) => bucket.set(key, value)],
    ["exists", "1 key", 100, (bucket) => bucket.exists(key)],
    ["delete", "1 missing key", 100, (bucket) => bucket.delete("missing")],
    ...ofSize(10),
    ...ofSize(1_000),
    ["listKeys", "1 page", 4, (bucket) => bucket.listKeys()],
    ["keys()", `${storedKeys} keys`, 1, iterate],
  ];
}

async function iterate(bucket: Bucket): Promise<void> {
  for await (const _key of bucket.keys());
}

/** Runs a call of all versions in turn, in random order in each round. Returns the ratio to each other version. */
async function race(
  versions: readonly Version[],
  calls: number,
  call: (bucket: Bucket) => Promise<unknown>,
  { rounds = 200, seconds = 20 }: Limits,
): Promise<[name: string, ratio: ReturnType<typeof ratio>][]> {
  const times = new Map(versions.map((version) => [version, [] as number[]]));
  await runRounds({ warmUpRounds: 20, rounds, seconds }, (_, counts) =>
    inTurn(versions, async (version) => {
      const time = await elapsed(async () => {
        for (let number = 0; number < calls; number++) await call(version.bucket);
      });
      if (counts) times.get(version)?.push(time);
    }),
  );
  const [subject, ...others] = versions as [Version, ...Version[]];
  return others.map((other) => [other.name, ratio(times.get(subject) ?? [], times.get(other) ?? [])]);
}
