import type { EngineFailure, FailingEngine, Operation } from "@manykv/conformance";
import { randomName } from "@manykv/test-services";
import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import { postgresDriver, postgresStore } from "../../src/index.js";
import { testRole } from "./role.js";
import type { TestTable } from "./test-table.js";

const reads: readonly Operation[] = ["get", "exists", "ttl"];
const writes: readonly Operation[] = ["set", "delete", "setIfAbsent", "increment", "compareAndSwap"];
const onKeys: readonly Operation[] = [...reads, ...writes];

interface StateFailure extends Pick<EngineFailure, "what" | "expected"> {
  readonly states: string;
  /** Default: all operations on keys. */
  readonly operations?: readonly Operation[];
}

const someOperations: readonly Operation[] = ["get", "set"];

const throttled = { code: "throttled", retryable: true, effect: "none" } as const;
const unavailable = { code: "unavailable", retryable: true, effect: "none" } as const;
const unsuitable = { code: "invalid-argument", retryable: false, effect: "none" } as const;

/** SQLSTATEs, and what the driver must report for each of them. */
const byStates: readonly StateFailure[] = [
  {
    what: "rolls back because of a conflict or lack of space",
    states: "40001 40P01 55P03 53100 53200",
    expected: throttled,
  },
  {
    what: "cancels the statement",
    states: "57014 25P04",
    expected: { code: "timeout", retryable: true, effect: "none" },
  },
  {
    what: "is read-only, shuts down or has too many connections",
    states: "53300 57P01 57P03 25006 58030",
    expected: unavailable,
  },
  {
    what: "does not find the table, the schema or the database",
    states: "42P01 3F000 3D000",
    expected: { code: "no-such-store", retryable: false, effect: "none" },
  },
  {
    what: "denies access",
    states: "42501 28000 28P01",
    expected: { code: "access-denied", retryable: false, effect: "none" },
  },
  {
    what: "finds that a constraint is violated",
    states: "23505 23514 P0001",
    expected: unsuitable,
  },
  {
    what: "has reached a limit",
    states: "54000",
    expected: { code: "too-large", retryable: false, effect: "none", reason: "54000" },
  },
  {
    what: "lacks another resource",
    states: "53000 53400",
    operations: someOperations,
    expected: throttled,
  },
  {
    what: "ends the session for another reason",
    states: "57P02 57P05 57000",
    operations: someOperations,
    expected: unavailable,
  },
  {
    what: "violates another constraint",
    states: "23502 23503 23P01 44000",
    operations: someOperations,
    expected: unsuitable,
  },
  {
    what: "rejects a value or the kind of the table",
    states: "22003 21000 55000 38000 2F003",
    operations: someOperations,
    expected: unsuitable,
  },
  {
    what: "fails with an SQLSTATE that a trigger of the application has chosen",
    states: "ZZ001 5A000",
    operations: someOperations,
    expected: unsuitable,
  },
  {
    what: "does not know whether the statement completed",
    states: "08006 40003",
    // After such a write, the driver terminates the session, which may fail other requests in other ways.
    operations: reads,
    expected: { code: "connection-lost", retryable: true, effect: "unknown" },
  },
  {
    what: "fails with an unknown error",
    states: "XX000",
    expected: { code: "internal", retryable: false, effect: "none", reason: "XX000" },
  },
  {
    what: "terminates the session",
    states: "terminate",
    expected: { code: "unavailable", retryable: true, effect: "none", reason: "57P01" },
  },
];

/**
 * Ways in which Postgres fails, on a table with row-level security and a trigger. A policy runs a function for each row
 * that a statement reads or writes. The function raises an error for the keys that contain a mark.
 */
export function engineFailures({ admin, url }: TestTable): readonly EngineFailure[] {
  const table = randomName();
  const marks = `${table}_marks`;
  const skips = `${table}_skips`;
  let login: Awaited<ReturnType<typeof testRole>>;
  /** The connections of all clients that fail. */
  let pool: pg.Pool;

  beforeAll(async () => {
    await using store = postgresStore({ url, table });
    await store.provision();
    login = await testRole(admin, url);
    pool = new pg.Pool({ connectionString: login.url, max: 4 });
    pool.on("error", () => {});
    await admin.query(`
      CREATE TABLE ${marks} (mark bytea PRIMARY KEY, state text);
      CREATE FUNCTION ${table}(key bytea) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
        DECLARE states text[]; wanted text;
        BEGIN
          SELECT string_to_array(state, ' ') INTO states FROM ${marks}
            WHERE position(mark IN key) > 0 AND state <> 'skip';
          -- The statement decides which state it meets, so that each case always meets the same states.
          wanted := states[1 + length(current_query()) % cardinality(states)];
          IF wanted = 'terminate' THEN PERFORM pg_terminate_backend(pg_backend_pid());
          ELSIF wanted IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = wanted, MESSAGE = 'key ' || encode(key, 'escape'), DETAIL = encode(key, 'hex');
          END IF;
          RETURN true;
        END $$;
      CREATE FUNCTION ${skips}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        DECLARE changed record;
        BEGIN
          IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
          IF EXISTS (SELECT FROM ${marks} WHERE position(mark IN changed.key) > 0 AND state = 'skip') THEN RETURN NULL; END IF;
          RETURN changed;
        END $$;
      CREATE TRIGGER ${skips} BEFORE INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION ${skips}();
      ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
      CREATE POLICY ${table} ON ${table} TO ${login.name} USING (${table}(key)) WITH CHECK (${table}(key));
      GRANT ALL ON ${table} TO ${login.name}`);
  });
  afterAll(async () => {
    await pool.end();
    await admin.query(`
      DROP TABLE ${table}, ${marks};
      DROP FUNCTION ${table}, ${skips};
      DROP OWNED BY ${login.name};
      DROP ROLE ${login.name}`);
  });

  const engine = (start: () => Promise<unknown>, stop: () => Promise<unknown>): FailingEngine => ({
    driver: postgresDriver({ pool, table }),
    direct: postgresDriver({ pool: admin, table }),
    start: async () => void (await start()),
    stop: async () => void (await stop()),
  });
  const mark = (bytes: string, state: string): Promise<unknown> =>
    admin.query(`INSERT INTO ${marks} VALUES ($1, $2)`, [Buffer.from(bytes), state]);
  const unmark = (bytes: string): Promise<unknown> =>
    admin.query(`DELETE FROM ${marks} WHERE mark = $1`, [Buffer.from(bytes)]);

  return [
    ...byStates.flatMap(({ states, operations = onKeys, ...about }): EngineFailure[] => {
      /** Returns a function that moves on to the next of the states. */
      const inTurn = (): (() => string) => {
        const names = states.split(" ");
        let turn = 0;
        return () => [...names.slice(turn % names.length), ...names.slice(0, turn++ % names.length)].join(" ");
      };
      return [
        {
          ...about,
          operations,
          scope: "request",
          open: ({ failing }) => {
            const next = inTurn();
            return engine(
              () => mark(failing, next()),
              () => unmark(failing),
            );
          },
        },
        // A listing may read only some keys, so all keys fail.
        {
          ...about,
          operations: ["list", "listBuckets"],
          scope: "request",
          open: () => {
            const next = inTurn();
            return engine(
              () => mark("", next()),
              () => unmark(""),
            );
          },
        },
      ];
    }),
    {
      what: "has revoked the permissions for the table",
      operations: [...onKeys, "list", "listBuckets", "sweep"],
      scope: "request",
      expected: { code: "access-denied", retryable: false, effect: "none", reason: "42501" },
      open: () =>
        engine(
          () => admin.query(`REVOKE ALL ON ${table} FROM ${login.name}`),
          () => admin.query(`GRANT ALL ON ${table} TO ${login.name}`),
        ),
    },
    {
      what: "has a trigger that skips some keys",
      operations: ["set", "delete"],
      scope: "key",
      expected: {
        code: "invalid-argument",
        retryable: false,
        effect: "none",
        reason: "the table did not change: check its triggers, rules and policies",
      },
      open: ({ failing }) =>
        engine(
          () => mark(failing, "skip"),
          () => unmark(failing),
        ),
    },
    {
      what: "has a trigger that skips some keys",
      operations: ["setIfAbsent"],
      scope: "key",
      expected: throttled,
      open: ({ failing }) =>
        engine(
          () => mark(failing, "skip"),
          () => unmark(failing),
        ),
    },
  ];
}
