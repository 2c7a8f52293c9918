import { Random } from "@manykv/conformance/faults";
import { createStore } from "@manykv/core";
import { Client } from "pg";
import { runConcurrently } from "../run-concurrently.js";
import { postgresTestbed } from "../testbeds/postgres.js";
import { direct } from "../testbeds/testbed.js";
import type { Campaign } from "./campaign.js";

const writers = 16;
const keyCount = 200;
const value = new Uint8Array(100);

export const sharedWriters: Campaign = {
  name: "writers",
  what: "Postgres: 16 writers on shared keys, sets and deletes",
  mustBe: "0 deadlock errors",
  backends: ["postgres"],
  runs: { ci: 1_000, long: 50_000 },
  async run({ runs, seed }) {
    await using testbed = await postgresTestbed({});
    const stores = Array.from({ length: writers }, () => createStore(testbed.driver(direct)));
    const buckets = await Promise.all(stores.map((store) => store.open("shared")));
    const failures: string[] = [];
    await runConcurrently(buckets, runs, async (bucket, run) => {
      const random = new Random(seed + run);
      const keys = Array.from({ length: keyCount }, (_, index) => `key ${index}`);
      const some = keys
        .filter(() => random.chance(0.7))
        .map((key) => ({ key, place: random.next() }))
        .sort((left, right) => left.place - right.place)
        .map(({ key }) => key);
      const call = random.chance(0.6)
        ? bucket.setMany(
            some.map((key) => [key, value]),
            { timeout: 60_000 },
          )
        : bucket.deleteMany(some, { timeout: 60_000 });
      await call.catch((error: unknown) => failures.push(`seed ${seed + run}: ${String(error)}`));
    });
    await Promise.all(stores.map((store) => store.close()));
    const deadlocks = await countDeadlocks(testbed.url);
    if (deadlocks > 0) failures.push(`the server must count no deadlock, but counted ${deadlocks}`);
    return {
      measured: `${deadlocks} deadlocks counted by the server, ${failures.length} batches failed`,
      figures: { writers, keys: keyCount, deadlocks, failed: failures.length },
      failures,
    };
  },
};

/** Returns the number of deadlocks that the server counted, including deadlocks after which a retry succeeded. */
async function countDeadlocks(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  // The server's processes report their counts up to a second late.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const { rows } = await client.query<{ deadlocks: string }>(
    "SELECT sum(deadlocks) AS deadlocks FROM pg_stat_database",
  );
  await client.end();
  return Number(rows[0]?.deadlocks ?? Number.NaN);
}
