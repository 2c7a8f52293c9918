import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** Returns a message of the protocol: its letter, its length and its body. */
export function message(letter: string, body: Buffer | string = ""): Buffer {
  const bytes = Buffer.concat([Buffer.from(`${letter}\0\0\0\0`), Buffer.from(body)]);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}

/** Accepts the login of any user: AuthenticationOk, BackendKeyData and ReadyForQuery. */
export const accepted: Buffer = Buffer.concat([
  message("R", Buffer.alloc(4)),
  message("K", Buffer.from([0, 0, 0, 1, 0, 0, 0, 2])),
  message("Z", "I"),
]);

/** Starts a server that supports only `SELECT version()`, which returns the text. */
export function startServerThatSays(said: string): Promise<FakeServer> {
  const row = message("D", Buffer.concat([Buffer.from([0, 1, 0, 0, 0, said.length]), Buffer.from(said)]));
  const version = Buffer.concat([row, message("C", "SELECT 1\0"), message("Z", "I")]);
  const lacks = Buffer.concat([message("E", "SERROR\0VERROR\0C42883\0Mno such function\0\0"), message("Z", "I")]);
  return startFakeServer(
    (socket) => socket.write(accepted),
    (socket, chunk) => socket.write(chunk.includes("SELECT version()") ? version : lacks),
  );
}

/** Writes the chunk without end, as fast as the client reads. */
export function pour(socket: Socket, chunk: Buffer): void {
  const go = (): void => {
    while (!socket.destroyed && socket.write(chunk));
    if (!socket.destroyed) socket.once("drain", go);
  };
  go();
}

export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  /** Number of connections so far. */
  readonly connections: number;
  /** Maximum number of connections that were open at the same time. */
  readonly mostOpen: number;
  /** Number of bytes that clients have received, or that are on the way to them. */
  readonly bytes: number;
}

/** Starts a server with invented replies. `onStart` handles the startup message, and `onRequest` every later chunk. */
export async function startFakeServer(
  onStart: (socket: Socket) => void,
  onRequest: (socket: Socket, chunk: Buffer) => void = () => {},
): Promise<FakeServer> {
  const all: Socket[] = [];
  const open = new Set<Socket>();
  let mostOpen = 0;
  const server = createServer((socket) => {
    all.push(socket);
    open.add(socket);
    mostOpen = Math.max(mostOpen, open.size);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    socket.once("data", () => {
      socket.on("data", (chunk) => onRequest(socket, chunk));
      onStart(socket);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://user@127.0.0.1:${port}/test`,
    get connections() {
      return all.length;
    },
    get mostOpen() {
      return mostOpen;
    },
    get bytes() {
      return all.reduce((sum, socket) => sum + socket.bytesWritten, 0);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
