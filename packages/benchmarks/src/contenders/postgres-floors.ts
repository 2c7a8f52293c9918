import type { Socket } from "node:net";
import { postgresStore } from "@manykv/postgres";
import pg from "pg";
import type { Contender } from "../measure/contender.js";
import { manykv } from "./manykv.js";

/** Bytes that were written to a socket. */
interface Recording {
  readonly socket: Socket;
  readonly bytes: Buffer;
}

/** First byte of a Bind message. A request starts with Bind only if the statement is prepared. */
const bindMessage = "B".charCodeAt(0);
/** Maximum number of times that `record` runs the work until every connection has prepared all statements. */
const mostAttempts = 50;

/** Records the bytes that a pool writes to its connections. */
class WireRecorder {
  #recordings: Recording[] = [];
  #recording = false;

  constructor(pool: pg.Pool) {
    pool.on("connect", (client) => {
      const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
      const write = stream.write.bind(stream) as (bytes: Buffer) => boolean;
      stream.write = ((bytes: Buffer) => {
        if (this.#recording) this.#recordings.push({ socket: stream, bytes: Buffer.from(bytes) });
        return write(bytes);
      }) as typeof stream.write;
    });
  }

  /** Repeats `work` until a run uses only prepared statements, and returns the bytes that this run wrote. */
  async record(work: () => Promise<unknown>): Promise<readonly Recording[]> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      this.#recordings = [];
      this.#recording = true;
      await work();
      this.#recording = false;
      if (this.#recordings.length > 0 && this.#recordings.every(({ bytes }) => bytes[0] === bindMessage)) {
        return this.#recordings;
      }
    }
    throw new Error(`The store must prepare all statements within ${mostAttempts} runs, but did not.`);
  }
}

interface RecordedStore {
  readonly pool: pg.Pool;
  readonly recorder: WireRecorder;
  readonly contender: Contender;
  close(): Promise<void>;
}

async function openRecorded(url: string, table: string): Promise<RecordedStore> {
  const pool = new pg.Pool({ connectionString: url, idleTimeoutMillis: 0 });
  const recorder = new WireRecorder(pool);
  const contender = await manykv(postgresStore({ pool, table }));
  return {
    pool,
    recorder,
    contender,
    close: async () => {
      await contender.close();
      await pool.end();
    },
  };
}

/**
 * Returns a floor for Postgres: a contender that sends the recorded bytes of manykv's requests again over the same
 * connections, and does not parse the replies while time is measured.
 */
export async function recordedBytes(url: string, table: string): Promise<Contender> {
  const { recorder, contender, close } = await openRecorded(url, table);
  return {
    name: "recorded bytes",
    kind: "floor",
    async prepare(workload) {
      const { set, get, delete: remove } = await contender.prepare(workload);
      if (!set || !get || !remove) throw new Error("The contender must support set, get and delete.");
      const sets = await recorder.record(set);
      const gets = await recorder.record(get);
      const deletes = await recorder.record(remove);
      return {
        set: () => replay(sets),
        get: async () => {
          const answers = await replay(gets);
          return () => valuesIn(answers, workload.readKeys);
        },
        delete: () => replay(deletes),
      };
    },
    close,
  };
}

/**
 * Sends the recorded requests again: one at a time on each connection, and concurrently on different connections.
 * Returns the replies in the order of the requests.
 */
async function replay(recordings: readonly Recording[]): Promise<Buffer[]> {
  const answers: Buffer[] = [];
  const sockets = new Set(recordings.map(({ socket }) => socket));
  await Promise.all(
    Array.from(sockets, async (own) => {
      for (const [index, { socket, bytes }] of recordings.entries()) {
        if (socket === own) answers[index] = await exchange(socket, bytes);
      }
    }),
  );
  return answers;
}

function exchange(socket: Socket, bytes: Buffer): Promise<Buffer> {
  const readers = socket.listeners("data") as ((chunk: Buffer) => void)[];
  socket.removeAllListeners("data");
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const read = (chunk: Buffer): void => {
      chunks.push(chunk);
      if (!endsReady(chunk)) return;
      socket.off("data", read);
      for (const reader of readers) socket.on("data", reader);
      resolve(Buffer.concat(chunks));
    };
    socket.on("data", read);
    socket.write(bytes);
  });
}

/**
 * Returns the value of each key, or `undefined` if no row contains the key. A row consists of the stored key (bucket,
 * colon and key) and the value.
 */
function valuesIn(answers: readonly Buffer[], keys: readonly string[]): (Uint8Array | undefined)[] {
  const found = new Map<string, Uint8Array>();
  for (const [key, value] of answers.flatMap(rowsOf)) {
    if (key && value) found.set(key.toString("utf8", key.indexOf(":") + 1), value);
  }
  return keys.map((key) => found.get(key));
}

/** First major version of Postgres whose EXPLAIN can include the time to serialize the rows. */
const firstWithSerialize = 17;

/**
 * Returns a floor for Postgres: a contender whose time for `get` is the execution time that the server reports for
 * manykv's statement. This time does not include the network and the client.
 * https://www.postgresql.org/docs/current/sql-explain.html
 */
export async function serverTime(url: string, table: string): Promise<Contender> {
  const { pool, recorder, contender, close } = await openRecorded(url, table);
  const { rows } = await pool.query<{ server_version_num: string }>("SHOW server_version_num");
  const version = Math.floor(Number(rows[0]?.server_version_num) / 10_000);
  const explain = `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON${version >= firstWithSerialize ? ", SERIALIZE BINARY" : ""})`;
  return {
    name: "server's own time",
    kind: "floor",
    async prepare(workload) {
      const { set, get } = await contender.prepare(workload);
      if (!set || !get) throw new Error("The contender must support set and get.");
      await set();
      const [recording] = await recorder.record(get);
      if (!recording) throw new Error("manykv must send a statement for `get`, but sent none.");
      const name = statementOf(recording.bytes);
      const prepared = await pool.query<{ statement: string }>(
        "SELECT statement FROM pg_prepared_statements WHERE name = $1",
        [name],
      );
      const text = `${explain} ${prepared.rows[0]?.statement}`;
      const values = parametersOf(recording.bytes);
      return { readBack: get, reportedTime: { get: () => executionTime(pool, text, values) } };
    },
    close,
  };
}

async function executionTime(pool: pg.Pool, text: string, values: readonly Buffer[]): Promise<number> {
  const { rows } = await pool.query<{ "QUERY PLAN": { "Execution Time": number }[] }>(text, [...values]);
  const time = rows[0]?.["QUERY PLAN"][0]?.["Execution Time"];
  if (time === undefined) throw new Error("EXPLAIN must report the execution time of the statement, but did not.");
  return time;
}

/**
 * Length of a message header, in bytes. The functions below read messages of the Postgres protocol:
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
const headerBytes = 5;
const readyForQuery = Buffer.from("Z\0\0\0\x05I");

/** Returns whether the bytes end with the message ReadyForQuery (outside a transaction), which completes a reply. */
function endsReady(bytes: Buffer): boolean {
  return bytes.subarray(-readyForQuery.length).equals(readyForQuery);
}

/** Returns the fields of every row in a reply. */
function rowsOf(answer: Buffer): Buffer[][] {
  const rows: Buffer[][] = [];
  for (let start = 0; start < answer.length; ) {
    const end = start + 1 + answer.readInt32BE(start + 1);
    if (answer[start] === "E".charCodeAt(0)) throw new Error("The server returned an error for a recorded request.");
    if (answer[start] === "D".charCodeAt(0)) {
      rows.push(fieldsAt(answer, start + headerBytes + 2, answer.readInt16BE(start + headerBytes)));
    }
    start = end;
  }
  return rows;
}

/** Returns the parameters in a request that starts with Bind. */
function parametersOf(bind: Buffer): Buffer[] {
  const statement = bind.indexOf(0, headerBytes) + 1;
  const formats = bind.indexOf(0, statement) + 1;
  const count = formats + 2 + 2 * bind.readInt16BE(formats);
  return fieldsAt(bind, count + 2, bind.readInt16BE(count));
}

/** Returns the name of the prepared statement in a request that starts with Bind. */
function statementOf(bind: Buffer): string {
  const start = bind.indexOf(0, headerBytes) + 1;
  return bind.toString("utf8", start, bind.indexOf(0, start));
}

function fieldsAt(bytes: Buffer, from: number, count: number): Buffer[] {
  const fields: Buffer[] = [];
  let offset = from;
  for (let field = 0; field < count; field++) {
    const end = offset + 4 + bytes.readInt32BE(offset);
    fields.push(bytes.subarray(offset + 4, end));
    offset = end;
  }
  return fields;
}
