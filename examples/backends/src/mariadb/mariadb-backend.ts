import { connect, type Socket } from "node:net";
import { createStore, type Store, type StoreOptions } from "@manykv/core";
import * as kit from "@manykv/core/driver";
import { createPool, type Pool, type PoolConnection } from "mysql2/promise";

/** Creates a store. `url` has the form `mariadb://user:password@host:port/database`. */
export function mariadbStore({ url, ...options }: StoreOptions & { readonly url: string }): Store {
  return createStore(new MariadbDriver(url), options);
}

// MariaDB accepts statements of 16 MB by default. A statement contains two characters for each byte.
const most = Object.freeze({ maxKeys: 1_000, maxBytes: 4_000_000 });
const keysPerPage = 1_000;
const threads = "information_schema.processlist";
const toBytes = (key: string): Buffer => Buffer.from(key);

type Request = kit.DriverRequest;
type Row = { readonly k: Buffer; readonly v: Buffer; readonly host: Buffer; readonly version: string };

export class MariadbDriver implements kit.Driver {
  readonly name = "mariadb";
  readonly limits = Object.freeze({ maxValueBytes: 4_000_000, get: most, set: most, delete: most, concurrency: 4 });
  readonly #pool: Pool;
  readonly #sockets = new Set<Socket>();
  /** The address of the client of each connection, as the server sees it. */
  readonly #clients = new WeakMap<object, unknown>();

  // #region pool
  constructor(url: string) {
    // The pool itself would not show sockets that are still connecting.
    const stream = ({ config: { host, port } }: { config: { host: string; port: number } }): Socket => {
      const socket = connect({ host, port, noDelay: true }).unref();
      this.#sockets.add(socket);
      return socket.once("close", () => this.#sockets.delete(socket));
    };
    this.#pool = createPool({ uri: url, stream, connectTimeout: 3_000 });
  }

  async close() {
    this.#pool.end().catch(() => {});
    for (const socket of this.#sockets) socket.destroy(new Error("closed")); // without an error, mysql2 keeps a timer
  }
  // #endregion pool

  async get(request: kit.KeysRequest) {
    const sql = "SELECT k, v FROM manykv WHERE bucket = ? AND k IN (?)";
    const rows = await this.#send(request, sql, [request.bucket, request.keys.map(toBytes)]);
    const found = new Map(rows.map(({ k, v }) => [`${k}`, new Uint8Array(v)]));
    return { values: request.keys.map((key) => found.get(key)) };
  }

  async set(request: kit.SetRequest) {
    const { bucket, keys, values } = request;
    const rows = keys.map((key, index) => [bucket, toBytes(key), Buffer.from(values[index] as Uint8Array)] as const);
    rows.sort((one, other) => Buffer.compare(one[1], other[1])); // so that statements lock rows in the same order
    const sql = "INSERT INTO manykv (bucket, k, v) VALUES ? ON DUPLICATE KEY UPDATE v = VALUES(v)";
    await this.#send(request, sql, [rows], "write");
    return kit.allDone;
  }

  async delete(request: kit.KeysRequest) {
    const sql = "DELETE FROM manykv WHERE bucket = ? AND k IN (?)";
    await this.#send(request, sql, [request.bucket, request.keys.map(toBytes)], "write");
    return kit.allDone;
  }

  async list(request: kit.ListRequest) {
    const { bucket, prefix, cursor } = request;
    const end = Buffer.concat([toBytes(prefix), Buffer.of(255)]); // no byte of UTF-8 is 255
    const start = cursor === undefined ? "k >= ?" : "k > ?";
    const sql = `SELECT k FROM manykv WHERE bucket = ? AND k >= ? AND k < ? AND ${start} ORDER BY k LIMIT ?`;
    const rows = await this.#send(request, sql, [bucket, toBytes(prefix), end, toBytes(cursor ?? prefix), keysPerPage]);
    const keys = rows.map(({ k }) => `${k}`);
    return { keys, cursor: keys.length < keysPerPage ? undefined : keys.at(-1) };
  }

  async provision(request: Request) {
    const columns = "bucket VARBINARY(64), k VARBINARY(1024), v LONGBLOB NOT NULL, PRIMARY KEY (bucket, k)";
    await this.#send(request, `CREATE TABLE IF NOT EXISTS manykv (${columns}) ENGINE = InnoDB`);
  }

  async describe(request: Request) {
    const [row] = await this.#send(request, "SELECT VERSION() AS version");
    return { product: "mariadb", version: row?.version, settlesLostWrites: true };
  }

  classify(error: unknown): kit.Fault {
    const { code, errno, fatal } = (error ?? {}) as { code?: unknown; errno?: unknown; fatal?: unknown };
    // A code of MariaDB, mysql2 or Node.js. A message may contain keys and values.
    const reason = typeof code === "string" && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : undefined;
    const row = table.find(([codes]) => codes.test(reason ?? ""));
    if (row !== undefined) return { code: row[1], retryable: row[2], effect: "none", reason };
    const isLost = fatal === true || errno === 1927; // 1927: the connection was killed
    return { code: isLost ? "connection-lost" : "internal", retryable: isLost, effect: "unknown", reason };
  }

  // #region connections
  /** Returns a connection that no other request uses. If that fails, nothing was sent. */
  async #connect(request: Request): Promise<PoolConnection> {
    const connecting = this.#pool.getConnection();
    try {
      const connection = await kit.waitFor(request, connecting);
      if (this.#clients.has(connection.connection)) return connection;
      const [row] = await query(request, connection, `SELECT host FROM ${threads} WHERE id = CONNECTION_ID()`);
      this.#clients.set(connection.connection, row?.host);
      return connection;
    } catch (error) {
      connecting.then((connection) => connection.release()).catch(() => {});
      const fault = kit.FaultError.is(error) ? error.fault : this.classify(error);
      const code = fault.code === "connection-lost" ? "unavailable" : fault.code; // the login broke
      throw new kit.FaultError({ ...fault, code, effect: "none" }, "not connected", { cause: error });
    }
  }

  async #send(request: Request, sql: string, values: unknown[] = [], kind?: "write"): Promise<Row[]> {
    const connection = await this.#connect(request);
    try {
      return await query(request, connection, sql, values);
    } catch (error) {
      const fault = kit.FaultError.is(error) ? error.fault : this.classify(error);
      if (kind === undefined || fault.effect === "none") throw error;
      const limit = new AbortController();
      const timer = kit.setTimer(() => limit.abort(), 5_000);
      const ended = this.#end(connection, limit.signal); // begins at once: a cancelled call runs no fence
      ended.finally(() => kit.clearTimer(timer)).catch(() => {});
      throw new kit.FaultError({ ...fault, fence: (late) => kit.waitFor(late, ended) }, "lost", { cause: error });
    } finally {
      connection.release();
    }
  }

  /** Ends a connection on the server. Resolves when the server has ended it. */
  async #end({ threadId, connection }: PoolConnection, signal: AbortSignal): Promise<void> {
    const request = kit.createRequest({ bucket: "", signal });
    // After a restart of the server, a stranger may have the same id, but not the same address.
    const find = `SELECT id FROM ${threads} WHERE id = ? AND host = ?`;
    while ((await this.#send(request, find, [threadId, this.#clients.get(connection)])).length > 0)
      await this.#send(request, "KILL CONNECTION ?", [threadId]).catch(() => {});
  }
  // #endregion connections
}

// #region query
/** Sends a statement. If the request is aborted, closes the connection, because the response may still arrive. */
function query(request: Request, connection: PoolConnection, sql: string, values: unknown[] = []): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    const stopListening = request.onAbort(() => {
      (connection.connection as unknown as { stream: Socket }).stream.destroy();
      connection.destroy();
      reject(new kit.FaultError({ code: "timeout", retryable: true, effect: "unknown" }));
    });
    const sent = connection.query(sql, values).finally(stopListening);
    sent.then(([rows]) => resolve(rows as unknown as Row[]), reject);
  });
}
// #endregion query

/** In each of these cases, the statement had no effect. */
const table: readonly (readonly [codes: RegExp, code: kit.Fault["code"], retryable: boolean])[] = [
  [/^ER_(CON_COUNT_ERROR|DISK_FULL|LOCK_\w+|OUT_OF_\w+|RECORD_FILE_FULL)$/, "throttled", true],
  [/^(ECONNREFUSED|E(HOST|NET)UNREACH|ENOTFOUND|EAI_AGAIN|ER_(SERVER_SHUTDOWN|\w*READ_ONLY\w*))$/, "unavailable", true],
  [/^ER_(\w*ACCESS_DENIED\w*|HOST_NOT_PRIVILEGED)$/, "access-denied", false],
  [/^ER_(BAD_DB_ERROR|NO_SUCH_TABLE)$/, "no-such-store", false],
  [/^ER_(NET_PACKET_TOO_LARGE|DATA_TOO_LONG)$/, "too-large", false],
];
