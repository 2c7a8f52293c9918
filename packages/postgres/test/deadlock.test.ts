import assert from "node:assert/strict";
import { createRequest } from "@manykv/core/driver";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import pg from "pg";
import { afterAll, beforeAll, test } from "vitest";
import { postgresDriver } from "../src/index.js";
import { keysRequest, setRequest } from "./support/requests.js";

// Use a separate database, because the server counts deadlocks per database and other tests cause deadlocks on purpose.
const database = randomName();
const admin = new pg.Client({ connectionString: serviceUrl("postgres") });
const url = new URL(serviceUrl("postgres"));
url.pathname = database;

beforeAll(async () => {
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database}`);
});
afterAll(async () => {
  await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await admin.end();
});

/** Number of concurrent writers. Eight writers share a driver, and the driver has a connection for each of them. */
const writers = 16;
const batches = 1_000;
/** Keys that all writers use. Their order by UTF-16 code units differs from their order by UTF-8 bytes. */
const sharedKeys = Array.from({ length: 200 }, (_, index) => `${["k", "é", "\uffee", "😀"][index % 4]}${index}`);

test("16 writers that set and delete the same keys in any order never deadlock", async () => {
  const drivers = Array.from({ length: writers / 8 }, () => postgresDriver({ url: url.href }));
  await drivers[0]?.provision?.(keysRequest([]));
  let left = batches;
  const writer = async (number: number): Promise<void> => {
    const driver = drivers[number % drivers.length];
    while (left-- > 0 && driver !== undefined) {
      const keys = shuffled(sharedKeys).slice(0, 50);
      const value = new Uint8Array([left % 256]);
      // Call the driver directly, because a store would repeat a write that fails with a deadlock.
      const entries = setRequest(keys.map((key) => [key, value]));
      const choice = Math.random();
      if (choice < 0.3) await driver.delete(keysRequest(keys));
      else if (choice < 0.5) await driver.setIfAbsent?.(entries);
      else if (choice < 0.7) await driver.set(createRequest({ ...entries, ttls: keys.map((_, index) => index + 1) }));
      else await driver.set(entries);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, number) => writer(number)));
  await Promise.all(drivers.map((driver) => driver.close()));
  assert.equal(await deadlocks(), 0);
});

/**
 * Returns the number of deadlocks. First waits up to 200 times 50 ms until all sessions have ended, because a session
 * reports its counts when it ends.
 */
async function deadlocks(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const sessions = await admin.query("SELECT FROM pg_stat_activity WHERE datname = $1", [database]);
    if (sessions.rowCount === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { rows } = await admin.query<{ deadlocks: string; xact_commit: string }>(
    "SELECT deadlocks, xact_commit FROM pg_stat_database WHERE datname = $1",
    [database],
  );
  assert.ok(Number(rows[0]?.xact_commit) >= batches, "the server must count at least one commit for each batch");
  return Number(rows[0]?.deadlocks);
}

function shuffled(keys: readonly string[]): string[] {
  return keys
    .map((key) => ({ key, rank: Math.random() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ key }) => key);
}
