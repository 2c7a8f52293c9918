import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeAddress } from "./options.js";

/** Forwards connections to a server. Tests use it for other addresses, such as a Unix socket, and to stop a server. */
export interface Relay extends AsyncDisposable {
  /** The port, or 0 for a Unix socket. */
  readonly port: number;
  /** Number of connections so far. */
  readonly accepted: number;
  /** Closes all connections and refuses new ones. */
  stop(): Promise<void>;
}

/** A relay at a Unix socket in a folder that only the relay uses. */
export interface UnixRelay extends Pick<Relay, "accepted">, AsyncDisposable {
  readonly folder: string;
  /** The path of the socket, in `folder`. */
  readonly path: string;
}

/** Starts a relay at a Unix socket or at an address with a free port. */
export async function startRelay(target: NodeAddress, listen: { path: string } | { host: string }): Promise<Relay> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((client) => {
    accepted++;
    const upstream = connect(target.port, target.host);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await once(server.listen("path" in listen ? listen : { port: 0, ...listen }), "listening");
  const address = server.address();
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get accepted() {
      return accepted;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** @param name - of the socket, such as `.s.PGSQL.5432` */
export async function startUnixRelay(target: NodeAddress, name: string): Promise<UnixRelay> {
  const folder = await mkdtemp(join(tmpdir(), "manykv-"));
  const path = join(folder, name);
  const relay = await startRelay(target, { path });
  return {
    folder,
    path,
    get accepted() {
      return relay.accepted;
    },
    async [Symbol.asyncDispose]() {
      await relay.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
