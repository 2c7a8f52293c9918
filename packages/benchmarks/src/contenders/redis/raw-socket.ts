import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Contender } from "../../measure/contender.js";
import { ownName } from "../own-name.js";
import { commandBytes, parseValues, valuesReply } from "./resp.js";

/**
 * The floor: the command's bytes are ready, and the reply's bytes are only counted. No client can be faster over the
 * same socket.
 */
export async function rawSocket(host: string, port: number): Promise<Contender> {
  const wire = new Wire(connect({ host, port, noDelay: true }));
  await wire.ready;
  const prefix = `${ownName()}:`;
  return {
    name: "raw socket",
    kind: "floor",
    prepare({ keys, values, readKeys, expected }) {
      const named = keys.map((key) => prefix + key);
      const set = commandBytes([
        "MSET",
        ...named.flatMap((key, index) => [key, values[index] as Uint8Array]),
      ]);
      const get = commandBytes(["MGET", ...readKeys.map((key) => prefix + key)]);
      const found = valuesReply(expected).length;
      // After `delete` nothing is found, and the reply is shorter: each place is then "$-1".
      const nothing = valuesReply(expected.map(() => undefined)).length;
      let present = false;
      const remove = commandBytes(["DEL", ...named]);
      return {
        set: async () => {
          await wire.ask(set, "+OK\r\n".length);
          present = true;
        },
        get: async () => {
          const reply = await wire.ask(get, present ? found : nothing);
          return () => parseValues(Buffer.concat(reply));
        },
        delete: async () => {
          await wire.ask(remove, `:${present ? keys.length : 0}\r\n`.length);
          present = false;
        },
      };
    },
    close: async () => wire.end(),
  };
}

/** A socket on which one command at a time is sent and its reply's bytes are counted. */
class Wire {
  readonly ready: Promise<unknown>;
  readonly #socket: Socket;
  #missing = 0;
  #reply: Buffer[] = [];
  #done: (reply: Buffer[]) => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    this.ready = once(socket, "connect");
    socket.on("data", (chunk) => this.#take(chunk));
  }

  ask(command: Buffer, replyBytes: number): Promise<Buffer[]> {
    return new Promise((resolve) => {
      this.#missing = replyBytes;
      this.#reply = [];
      this.#done = resolve;
      this.#socket.write(command);
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#reply.push(chunk);
    this.#missing -= chunk.length;
    if (this.#missing <= 0) this.#done(this.#reply);
  }
}
