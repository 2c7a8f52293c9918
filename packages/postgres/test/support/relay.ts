import { connect, createServer, type Server, type Socket } from "node:net";

/** Forwards connections to a server. Tests use it for other addresses, such as a Unix socket, and to stop a server. */
export interface Relay extends AsyncDisposable {
  /** The port, or 0 for a Unix socket. */
  readonly port: number;
  /** Number of connections so far. */
  readonly accepted: number;
  /** Closes all connections and refuses new ones. */
  stop(): Promise<void>;
}

/** Starts a relay at a Unix socket or at an address with a free port. */
export async function startRelay(serverUrl: string, listen: { path: string } | { host: string }): Promise<Relay> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server: Server = createServer((client) => {
    accepted++;
    const upstream = connect(Number(port || 5432), hostname);
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
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen("path" in listen ? listen : { port: 0, ...listen }, resolve);
  });
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
