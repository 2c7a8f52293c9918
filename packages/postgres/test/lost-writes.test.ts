import assert from "node:assert/strict";
import type { Bucket, Store } from "@manykv/core";
import { createRequest, type DriverRequest, FaultError } from "@manykv/core/driver";
import { randomName } from "@manykv/test-services";
import { test } from "vitest";
import { SharedWork } from "../src/connection/lost-writes.js";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const table = testTable();
const { admin } = table;

/**
 * Makes a write that waits for a lock and cancels it. Then runs `body` while the lock is held. Afterwards, checks that
 * the write was not applied.
 *
 * @param url - the URL of the store
 * @param body - gets the store, the key, and the ID of the server process that runs the write
 */
async function afterCancelling(
  url: string,
  body: (cancelled: { store: Store; bucket: Bucket; key: string; session: number }) => Promise<void>,
): Promise<void> {
  const key = randomName();
  const stored = Buffer.from(`b:${key}`);
  await admin.query(`INSERT INTO "${table.name}" VALUES ($1, 'first')`, [stored]);
  await using store = postgresStore({ url, table: table.name });
  const bucket = await store.open("b");
  // Opens a second connection, so that `close()`, which tries for 100 ms, need not open one.
  await Promise.all([bucket.get(key), bucket.get(key)]);
  const locker = await admin.connect();
  try {
    await locker.query("BEGIN");
    await locker.query(`SELECT FROM "${table.name}" WHERE key = $1 FOR UPDATE`, [stored]);
    const controller = new AbortController();
    const cancelled = bucket.set(key, text("cancelled"), { signal: controller.signal });
    let session = 0;
    await until(async () => {
      session = await waitingSession();
      return session > 0;
    });
    controller.abort();
    await assert.rejects(cancelled, { code: "aborted", counts: { applied: 0, "not-applied": 0, unknown: 1 } });
    await body({ store, bucket, key, session });
  } finally {
    await locker.query("ROLLBACK");
    locker.release();
  }
  const { rows } = await admin.query(`SELECT value FROM "${table.name}" WHERE key = $1`, [stored]);
  assert.equal(rows[0].value.toString(), "first");
}

/** Returns the ID of the server process that waits for a lock, or 0 if none does. */
async function waitingSession(): Promise<number> {
  const { rows } = await admin.query(
    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
    [`%${table.name}%`],
  );
  return rows[0]?.pid ?? 0;
}

async function exists(session: number): Promise<boolean> {
  return (await admin.query("SELECT FROM pg_stat_activity WHERE pid = $1", [session])).rowCount === 1;
}

test("the session of a cancelled write ends without another call of the store", async () => {
  await afterCancelling(table.url, async ({ session }) => {
    await until(async () => !(await exists(session)));
  });
});

test("the session of a cancelled write ends although connections break while manykv terminates it", async () => {
  await using proxy = await startProxy(table.url);
  let broken = 0;
  proxy.intercept = (chunk, direction, connection) => {
    if (direction === "answer" || !chunk.includes("pg_terminate_backend(pid)") || broken === 3) return chunk;
    broken++;
    connection.reset();
    return undefined;
  };
  await afterCancelling(proxy.url(table.url), async ({ session }) => {
    await until(async () => !(await exists(session)));
    assert.equal(broken, 3);
  });
});

test("if the store is closed right after a write was cancelled, the session of the write has ended", async () => {
  await afterCancelling(table.url, async ({ store, session }) => {
    await store.close();
    await until(async () => !(await exists(session)));
  });
});

test("if the session of a cancelled write does not exit, the next write of the key says so", async () => {
  const schema = randomName();
  await admin.query(`CREATE SCHEMA ${schema}`);
  await admin.query(
    `CREATE FUNCTION ${schema}.pg_terminate_backend(int) RETURNS boolean LANGUAGE sql AS 'SELECT true'`,
  );
  try {
    const url = new URL(table.url);
    // The store calls this function, which terminates nothing, instead of the one in `pg_catalog`.
    url.searchParams.set("options", `-c search_path=${schema},pg_catalog,public`);
    await afterCancelling(url.href, async ({ bucket, key, session }) => {
      await assert.rejects(bucket.set(key, text("newer"), { timeout: 500 }), {
        code: "timeout",
        message: /the server process of an earlier write of the same key does not exit: end it/,
        counts: { applied: 0, "not-applied": 1, unknown: 0 },
      });
      await admin.query("SELECT pg_terminate_backend($1)", [session]);
    });
  } finally {
    await admin.query(`DROP SCHEMA ${schema} CASCADE`);
  }
});

/** Creates work that ends when the test calls `end` or `fail`. `signal` is the signal that the work received. */
function sharedWork(): {
  work: SharedWork;
  signal: AbortSignal;
  end: () => void;
  fail: (error: Error) => void;
} {
  let signal: AbortSignal | undefined;
  let end = (): void => {};
  let fail = (_error: Error): void => {};
  const work = new SharedWork((request) => {
    signal = request.signal;
    return new Promise((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
  });
  assert.ok(signal);
  return { work, signal, end, fail };
}

const requestOf = (signal: AbortSignal): DriverRequest => createRequest({ bucket: "b", signal });

const isOverdue = (error: unknown): boolean => error instanceof FaultError && error.fault.code === "timeout";

test("an aborted request stops waiting, and the work is aborted when no request waits", async () => {
  const { work, signal } = sharedWork();
  const [first, second] = [new AbortController(), new AbortController()];
  const [one, two] = [work.wait(requestOf(first.signal)), work.wait(requestOf(second.signal))];
  first.abort();
  await assert.rejects(one, isOverdue);
  assert.deepEqual([signal.aborted, work.isOver], [false, false]);
  second.abort();
  await assert.rejects(two, isOverdue);
  assert.deepEqual([signal.aborted, work.isOver], [true, true]);
});

test("a request that is already aborted does not wait", async () => {
  const { work } = sharedWork();
  await assert.rejects(work.wait(requestOf(AbortSignal.abort())), isOverdue);
});

test("all waiting requests share the result", async () => {
  const ending = sharedWork();
  const all = [
    ending.work.wait(requestOf(new AbortController().signal)),
    ending.work.wait(requestOf(new AbortController().signal)),
  ];
  ending.end();
  await Promise.all(all);
  assert.equal(ending.work.isOver, true);
  const failing = sharedWork();
  const both = [
    failing.work.wait(requestOf(new AbortController().signal)),
    failing.work.wait(requestOf(new AbortController().signal)),
  ];
  failing.fail(new Error("failed"));
  for (const { status } of await Promise.allSettled(both)) assert.equal(status, "rejected");
  assert.equal(failing.work.isOver, true);
});
