import { elapsed, inTurn, ratio, runRounds } from "@manykv/measure";
import { postgresStore } from "@manykv/postgres";
import { redisStore } from "@manykv/redis";
import { startPostgres, startRedis } from "@manykv/test-services";
import { Redis } from "ioredis";
import { asBuffer, uniqueName } from "../contenders/common.js";
import { makeWorkload } from "../measure/workload.js";
import { type Row, row, rowTable } from "../report.js";
import type { Limits } from "./acceptance.js";

/** A call of manykv and the call to which it is compared. */
interface Race {
  readonly operation: string;
  readonly size: string;
  readonly against: string;
  /** Highest accepted ratio. */
  readonly bar: number;
  readonly subject: () => Promise<unknown>;
  readonly other: () => Promise<unknown>;
}

export interface AbilitiesReport {
  readonly rows: readonly Row[];
}

const ttl = 60_000;
const keyCount = 1_000;

/** Measures sets that expire, and increments, on Redis and Postgres. */
export async function runAbilities(limits: Limits, progress: (text: string) => void): Promise<AbilitiesReport> {
  const rows = [...(await raceOnRedis(limits)), ...(await raceOnPostgres(limits))];
  progress(`${rowTable(rows)}\n`);
  return { rows };
}

async function raceOnRedis(limits: Limits): Promise<Row[]> {
  const service = await startRedis({ print: console.error });
  const store = redisStore({ url: service.url });
  const client = new Redis(service.url);
  try {
    const bucket = await store.open(uniqueName());
    const { keys, values } = makeWorkload({ keys: keyCount, bytes: 100, hits: "all" }, 1);
    const entries = keys.map((key, index) => [key, values[index] as Uint8Array] as const);
    const buffers = values.map(asBuffer);
    const setInPipeline = (): Promise<unknown> => {
      const pipeline = client.pipeline();
      for (const [index, key] of keys.entries()) pipeline.set(key, buffers[index] as Buffer, "PX", ttl);
      return pipeline.exec();
    };
    return await raceAll(limits, [
      {
        operation: "Redis set with ttl",
        size: `${keyCount} x 100 B`,
        against: "ioredis, pipeline of SET PX",
        bar: 0.6,
        subject: () => bucket.setMany(entries, { ttl }),
        other: setInPipeline,
      },
      {
        operation: "Redis increment",
        size: "1 key",
        against: "ioredis, INCRBY",
        bar: 1.1,
        subject: () => bucket.increment("counter"),
        other: () => client.incrby("counter", 1),
      },
    ]);
  } finally {
    client.disconnect();
    await store.close();
    await service.stop();
  }
}

async function raceOnPostgres(limits: Limits): Promise<Row[]> {
  const service = await startPostgres({ print: console.error });
  const store = postgresStore({ url: service.url, table: uniqueName() });
  try {
    await store.provision();
    const bucket = await store.open(uniqueName());
    const { keys, values } = makeWorkload({ keys: keyCount, bytes: 100, hits: "all" }, 1);
    const expiring = keys.map((key, index) => [`expires ${key}`, values[index] as Uint8Array] as const);
    const lasting = keys.map((key, index) => [`lasts   ${key}`, values[index] as Uint8Array] as const);
    return await raceAll(limits, [
      {
        operation: "Postgres set with ttl",
        size: `${keyCount} x 100 B`,
        against: "manykv without ttl",
        bar: 1.1,
        subject: () => bucket.setMany(expiring, { ttl }),
        other: () => bucket.setMany(lasting),
      },
    ]);
  } finally {
    await store.close();
    await service.stop();
  }
}

async function raceAll(limits: Limits, races: readonly Race[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const race of races) rows.push(await run(race, limits));
  return rows;
}

/** Runs both calls in turn, in random order in each round. */
async function run({ subject, other, bar, ...names }: Race, { rounds = 500, seconds = 10 }: Limits): Promise<Row> {
  const times = new Map([subject, other].map((call) => [call, [] as number[]]));
  const callsPerSample = names.size === "1 key" ? 20 : 1;
  await runRounds({ warmUpRounds: 50, rounds, seconds }, (_, counts) =>
    inTurn([subject, other], async (call) => {
      const time = await elapsed(async () => {
        for (let number = 0; number < callsPerSample; number++) await call();
      });
      if (counts) times.get(call)?.push(time);
    }),
  );
  const result = ratio(times.get(subject) ?? [], times.get(other) ?? []);
  return row({ ...names, unit: "x", bar }, result);
}
