import pg from "pg";

/** Creates a pool to which the server, like a pooler, reports the ID of no process. */
export function poolWithHiddenProcess(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 1 });
  return pool.on("connect", (client) => Object.assign(client, { processID: -1 }));
}
