import type { Socket } from "node:net";
import type { Pool } from "pg";

/** What was once written to a socket. */
export interface Track {
  readonly socket: Socket;
  readonly bytes: Buffer;
}

/** Parse, of the extended query protocol: a statement's text, which goes out once for each connection. */
const parse = "P".charCodeAt(0);
/** How often a statement may be run until every connection knows it. */
const mostTakes = 50;

/** Records what a pool's connections write. */
export class Tape {
  #tracks: Track[] = [];
  #recording = false;

  /** Hears every connection that the pool opens from now on. */
  constructor(pool: Pool) {
    pool.on("connect", (client) => {
      const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
      const write = stream.write.bind(stream) as (bytes: Buffer) => boolean;
      stream.write = ((bytes: Buffer) => {
        if (this.#recording) this.#tracks.push({ socket: stream, bytes: Buffer.from(bytes) });
        return write(bytes);
      }) as typeof stream.write;
    });
  }

  /** The bytes of `work` once all statements in it are prepared. */
  async record(work: () => Promise<unknown>): Promise<readonly Track[]> {
    for (let take = 0; take < mostTakes; take++) {
      this.#tracks = [];
      this.#recording = true;
      await work();
      this.#recording = false;
      if (this.#tracks.every(({ bytes }) => bytes[0] !== parse)) return this.#tracks;
    }
    throw new Error("the statements are never prepared");
  }
}
