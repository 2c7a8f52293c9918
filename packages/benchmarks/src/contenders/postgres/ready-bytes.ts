import type { Socket } from "node:net";
import { postgresStore } from "@manykv/postgres";
import pg from "pg";
import type { Contender } from "../../measure/contender.js";
import { manykv } from "../manykv.js";
import { endsReady, rowsOf } from "./messages.js";
import { Tape, type Track } from "./tape.js";

/**
 * The floor: the bytes that the library once wrote for the same statements and parameters, written again to the same
 * connections. The answers are only read until they end.
 */
export async function readyBytes(url: string, table: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: url, idleTimeoutMillis: 0 });
  const tape = new Tape(pool);
  const library = await manykv(postgresStore({ pool, table }));
  return {
    name: "ready bytes",
    kind: "floor",
    async prepare(lot) {
      const { set, get, delete: remove } = await library.prepare(lot);
      if (set === undefined || get === undefined || remove === undefined)
        throw new Error("nothing to record");
      const sets = await tape.record(set);
      const gets = await tape.record(get);
      const deletes = await tape.record(remove);
      return {
        set: () => replay(sets),
        get: async () => {
          const answers = await replay(gets);
          return () => valuesIn(answers, lot.readKeys);
        },
        delete: () => replay(deletes),
      };
    },
    close: async () => {
      await library.close();
      await pool.end();
    },
  };
}

/** As many at a time as there were connections; the answers in the order of the requests. */
async function replay(tracks: readonly Track[]): Promise<Buffer[]> {
  const answers: Buffer[] = [];
  const sockets = new Set(tracks.map(({ socket }) => socket));
  await Promise.all(
    Array.from(sockets, async (own) => {
      for (const [place, { socket, bytes }] of tracks.entries()) {
        if (socket === own) answers[place] = await exchange(socket, bytes);
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

/** Rows are a key, behind the name of its bucket and a colon, and its value. */
function valuesIn(answers: readonly Buffer[], keys: readonly string[]): (Uint8Array | undefined)[] {
  const found = new Map<string, Uint8Array>();
  for (const answer of answers) {
    for (const [key, value] of rowsOf(answer)) {
      if (key !== undefined && value !== undefined)
        found.set(key.toString("utf8", key.indexOf(":") + 1), value);
    }
  }
  return keys.map((key) => found.get(key));
}
