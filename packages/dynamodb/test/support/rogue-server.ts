import { createServer, type Socket } from "node:net";

/** A server that answers each request with a head, and then the same chunk until the client closes the connection. */
export interface RogueServer extends AsyncDisposable {
  readonly url: string;
  /** Number of connections that clients have opened. */
  readonly connections: number;
  /** Number of connections that are open. */
  readonly open: number;
  /** Number of bytes that were passed to the sockets. */
  readonly sent: number;
}

export interface Endless {
  readonly head: string;
  /** Sent repeatedly, as fast as the client reads. */
  readonly chunk: string;
  /** Time between two chunks, in milliseconds. Default: none. */
  readonly pause?: number;
}

export async function startRogueServer({ head, chunk, pause }: Endless): Promise<RogueServer> {
  const sockets = new Set<Socket>();
  const repeated = pause === undefined ? chunk.repeat(Math.ceil(65_536 / chunk.length)) : chunk;
  let connections = 0;
  let sent = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.once("data", () => {
      socket.write(head);
      const pour = (): void => {
        while (!socket.destroyed) {
          sent += repeated.length;
          const hasRoom = socket.write(repeated);
          if (pause !== undefined) return void setTimeout(pour, pause);
          if (!hasRoom) return void socket.once("drain", pour);
        }
      };
      pour();
    });
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    get sent() {
      return sent;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
