import type { OnRow } from "../protocol/data-row.js";
import { Statement } from "../protocol/statement.js";

/** The server process of a connection. The ID alone does not identify the process, because the system reuses IDs. */
export interface ServerProcess {
  readonly id: number;
  /** The start time, a `timestamptz` in the binary form that the server sent. */
  readonly start: Uint8Array;
}

/** What prevents manykv from terminating a server process. */
export type Obstacle = "pooler" | "role" | "server";

/** The server process of a connection, or why manykv cannot terminate it. */
export type ServerSession = ({ readonly process: ServerProcess } | { readonly hiddenBy: Obstacle }) & {
  /** Whether the store's table is a view. */
  readonly isView: boolean;
};

/** Returns SQL for whether the table is a view: 1 or 0. */
export function isViewOf(table: string): string {
  return `(EXISTS (SELECT 1 FROM pg_class WHERE oid = to_regclass('${table}') AND relkind = 'v'))::int4`;
}

/**
 * Returns a statement that identifies the process of the session. `backend_start` is null if the current role, for
 * example after SET ROLE, cannot see the login role's sessions.
 *
 * @param table - the quoted name of the table
 * @param lineage - SQL for the last column
 */
function identify(table: string, lineage: string): Statement {
  return new Statement(
    "SELECT pg_backend_pid(), coalesce(backend_start, 'epoch'), (backend_start IS NOT NULL AND (" +
      "SELECT bool_and(has_function_privilege(oid, 'EXECUTE')) FROM pg_proc " +
      "WHERE proname = 'pg_terminate_backend' AND pronamespace = 'pg_catalog'::regnamespace))::int4, " +
      `${isViewOf(table)}, pg_postmaster_start_time()::text, ${lineage} FROM pg_stat_get_activity(pg_backend_pid())`,
  );
}

/**
 * Returns SQL for what must stay the same for acknowledged writes to survive a restart: the database cluster and its
 * timeline, which changes when a standby takes over. If the server acknowledges writes before they are in its log, or
 * does not log the table, also the start of the server. Servers that replicate every write need none of this.
 *
 * @param table - the quoted name of the table
 */
function lineageOf(table: string): string {
  return (
    "CASE WHEN version() ~ 'CockroachDB|-YB-' THEN 'replicated' ELSE concat_ws(' ', " +
    "(SELECT system_identifier FROM pg_control_system()), left(pg_walfile_name(pg_current_wal_lsn()), 8), " +
    "CASE WHEN current_setting('synchronous_commit') = 'off' OR EXISTS (" +
    `SELECT 1 FROM pg_class WHERE oid = to_regclass('${table}') AND relpersistence <> 'p') ` +
    "THEN pg_postmaster_start_time() END) END"
  );
}

/** Runs a statement without parameters. Returns `false` if the server lacks what the statement uses. */
export type Run = (statement: Statement, onRow: OnRow) => Promise<boolean>;

const unknownLineage = "";

/** Reads the session of each connection, and notices when the server was replaced by one that may lack writes. */
export class ServerSessions {
  /** Changes when the server was replaced by one that may lack acknowledged writes. */
  generation = 0;
  readonly #identify: Statement;
  readonly #identifyOnly: Statement;
  #server: { readonly start: string; readonly lineage: string } | undefined;

  /** @param table - the quoted name of the table */
  constructor(table: string) {
    this.#identify = identify(table, lineageOf(table));
    this.#identifyOnly = identify(table, `'${unknownLineage}'`);
  }

  /** Reads the session of a connection. `reportedId` is the process ID that the server reported when it connected. */
  async read(run: Run, reportedId: number | null): Promise<ServerSession> {
    let process: ServerProcess | undefined;
    let mayTerminate = false;
    let isView = false;
    const onRow: OnRow = (row) => {
      process = { id: row.integer(), start: row.bytes() };
      mayTerminate = row.integer() === 1;
      isView = row.integer() === 1;
      this.#observe(row.text(), row.text());
    };
    if (!(await run(this.#identify, onRow))) await run(this.#identifyOnly, onRow);
    if (process === undefined) return { hiddenBy: "server", isView };
    // A pooler reports an invented process ID and runs each transaction in any free process, so terminating a process
    // could end another client's statement.
    if (process.id !== reportedId) return { hiddenBy: "pooler", isView };
    return mayTerminate ? { process, isView } : { hiddenBy: "role", isView };
  }

  /** Compares the server of a new connection with that of earlier ones. */
  #observe(start: string, lineage: string): void {
    const known = this.#server;
    this.#server = { start, lineage };
    if (known === undefined || start === known.start) return;
    // If the server does not report its lineage, a restarted server may be a different one.
    if (lineage === unknownLineage || lineage !== known.lineage) this.generation++;
  }
}
