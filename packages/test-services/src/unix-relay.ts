import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, connect as openSocket, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeAddress } from "./options.js";

/** A Unix socket whose connections lead to a server that listens on TCP. */
export interface UnixRelay {
  readonly folder: string;
  /** The socket's path in `folder`. */
  readonly path: string;
  close(): Promise<void>;
}

/** @param name - of the socket, such as `.s.PGSQL.5432` */
export async function startUnixRelay({ host, port }: NodeAddress, name: string): Promise<UnixRelay> {
  const folder = await mkdtemp(join(tmpdir(), "manykv-"));
  const path = join(folder, name);
  const sockets = new Set<Socket>();
  const relay = createServer((client) => {
    const server = openSocket(port, host);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {}).on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  await once(relay.listen(path), "listening");
  return {
    folder,
    path,
    async close() {
      relay.close();
      for (const socket of sockets) socket.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
