import { Random } from "@manykv/conformance/faults";
import { createStore, type Store, StoreError } from "@manykv/core";
import { postgresDriver } from "@manykv/postgres";
import { Client, Pool } from "pg";
import { type PostgresTestbed, postgresTestbed } from "../testbeds/postgres.js";
import { direct } from "../testbeds/testbed.js";
import type { Campaign } from "./campaign.js";

/** A situation for calls. `code` is the code with which a call must reject, or `undefined` if none may reject. */
interface Situation {
  readonly name: string;
  readonly code: string | undefined;
  run(testbed: PostgresTestbed, random: Random): Promise<string | undefined>;
}

const maxConnections = 12;
/** Few attempts with short delays, so that a call rejects with the code of the cause, and not with `timeout`. */
const retry = { attempts: 3, baseDelay: 10 };
const comfortable = 20_000;
const entries = Array.from({ length: 20 }, (_, index): [string, Uint8Array] => [`key ${index}`, new Uint8Array(50)]);

const situations: readonly Situation[] = [
  { name: "pool exhausted", code: "unavailable", run: withExhaustedPool },
  { name: "53300 too many connections", code: "unavailable", run: withoutFreeConnection },
  { name: "57P01 ended by an administrator", code: undefined, run: withEndedSessions },
  { name: "statement timeout", code: "timeout", run: withLockedRows },
];

export const postgresSessions: Campaign = {
  name: "sessions",
  what: "pool exhaustion, 53300, 57P01, statement timeout",
  mustBe: "right code, no connection leaked",
  backends: ["postgres"],
  runs: { ci: 100, long: 1_000 },
  async run({ runs, seed }) {
    const settings = { max_connections: `${maxConnections}`, superuser_reserved_connections: "0" };
    await using testbed = await postgresTestbed({}, settings);
    const failures: string[] = [];
    let wrongCodes = 0;
    let leaked = 0;
    for (let run = 0; run < runs; run++) {
      const situation = situations[(seed + run) % situations.length] as Situation;
      const code = await situation.run(testbed, new Random(seed + run));
      if (code !== situation.code) {
        wrongCodes++;
        failures.push(
          `seed ${seed + run}, ${situation.name}: the code must be ${situation.code ?? "absent"}, but is ${code ?? "absent"}`,
        );
      }
      const left = await sessionsLeft(testbed.url);
      if (left > 0)
        failures.push(`seed ${seed + run}, ${situation.name}: no connection must stay open, but ${left} are open`);
      leaked += left;
    }
    return {
      measured: `${wrongCodes} wrong codes, ${leaked} connections leaked`,
      figures: { wrongCodes, leaked, situations: situations.length },
      failures,
    };
  },
};

/**
 * Returns the code with which a call rejects while the application uses all connections of its pool. If a call still
 * rejects after the application has released these connections, returns a message with the code of that call.
 */
async function withExhaustedPool(testbed: PostgresTestbed): Promise<string | undefined> {
  const pool = new Pool({ connectionString: testbed.url, max: 2, connectionTimeoutMillis: 10_000 });
  pool.on("error", () => {});
  const held = [await pool.connect(), await pool.connect()];
  pool.options.connectionTimeoutMillis = 200;
  const store = createStore(postgresDriver({ pool }), { retry });
  const code = await codeOf(store);
  for (const client of held) client.release();
  // The pool must work again, without a lost connection.
  const after = await codeOf(store);
  await store.close();
  await pool.end();
  return after === undefined ? code : `${after} after the connections of the pool were released`;
}

/** Returns the code with which a call rejects while other clients use all connections of the server. */
async function withoutFreeConnection(testbed: PostgresTestbed): Promise<string | undefined> {
  const others = Array.from({ length: maxConnections }, () => new Client({ connectionString: testbed.url }));
  for (const client of others) client.on("error", () => {});
  const connected = await Promise.allSettled(others.map((client) => client.connect()));
  const store = createStore(testbed.driver(direct), { retry });
  const code = await codeOf(store);
  await Promise.all(
    others.filter((_, index) => connected[index]?.status === "fulfilled").map((client) => client.end()),
  );
  await store.close();
  return code;
}

/** Terminates all sessions during two calls. Returns the code of a failed call, or `undefined` if both succeed. */
async function withEndedSessions(testbed: PostgresTestbed, random: Random): Promise<string | undefined> {
  const store = createStore(testbed.driver(direct));
  await codeOf(store);
  const administrator = new Client({ connectionString: testbed.url });
  await administrator.connect();
  const calls = Promise.all([codeOf(store), codeOf(store)]);
  await new Promise((resolve) => setTimeout(resolve, random.integer(0, 8)));
  await administrator.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
  );
  const codes = await calls;
  await administrator.end();
  await store.close();
  return codes.find((code) => code !== undefined);
}

/** Returns the code with which a call rejects while another client locks the table. */
async function withLockedRows(testbed: PostgresTestbed): Promise<string | undefined> {
  const store = createStore(testbed.driver(direct));
  await codeOf(store);
  const other = new Client({ connectionString: testbed.url });
  await other.connect();
  await other.query("BEGIN");
  await other.query("LOCK TABLE manykv IN ACCESS EXCLUSIVE MODE");
  const code = await codeOf(store, 700);
  await other.query("ROLLBACK");
  await other.end();
  await store.close();
  return code;
}

/** Writes some keys. Returns the code with which the call rejects, or `undefined` if the call succeeds. */
async function codeOf(store: Store, milliseconds = comfortable): Promise<string | undefined> {
  const bucket = await store.open("sessions");
  return bucket.setMany(entries, { timeout: milliseconds }).then(
    () => undefined,
    (error: unknown) => (StoreError.is(error) ? error.code : String(error)),
  );
}

/** Waits up to 2 seconds until all client sessions have ended. Returns the number of sessions that are still open. */
async function sessionsLeft(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  let left = 0;
  for (let look = 0; look < 40; look++) {
    const { rows } = await client.query<{ count: string }>(
      "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    );
    left = Number(rows[0]?.count);
    if (left === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await client.end();
  return left;
}
