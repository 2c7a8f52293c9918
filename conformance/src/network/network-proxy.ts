import { createServer, type Server, type Socket } from "node:net";
import type { Address } from "../harness.js";
import { ArmedFault } from "./armed-fault.js";
import type { ConnectionFault } from "./connection-fault.js";
import { ProxiedConnection, type ProxyCounts } from "./proxied-connection.js";

/** A proxy between clients and one server, that breaks connections when told to. */
export interface NetworkProxy {
  /** Where clients connect to. */
  readonly address: Address;
  readonly counts: Readonly<ProxyCounts>;
  /** From now on the fault waits for the connections it is to happen to, those that are open and those to come. */
  arm(fault: ConnectionFault): void;
  /** From now on connections are reset as soon as they are made, and those that are open are reset: no server there. */
  refuse(): void;
  /** Ends every fault: held bytes go on, and connections that lost bytes are reset. */
  heal(): void;
  close(): Promise<void>;
}

/** Starts a proxy before the server at `target`, on a free port of this machine. */
export async function networkProxy(target: Address): Promise<NetworkProxy> {
  const connections = new Set<ProxiedConnection>();
  const counts: ProxyCounts = { connections: 0, requestBytes: 0, answerBytes: 0, faults: 0 };
  let armed: ArmedFault | undefined;
  let refusing = false;

  function accept(client: Socket): void {
    counts.connections++;
    if (refusing) {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    for (const connection of connections) if (connection.gone) connections.delete(connection);
    connections.add(new ProxiedConnection(client, target, counts, () => armed));
  }

  const server = createServer({ allowHalfOpen: true }, accept);
  const address = await listen(server);
  return {
    address,
    counts,
    arm(fault) {
      armed = new ArmedFault(fault);
    },
    refuse() {
      refusing = true;
      for (const connection of connections) connection.destroy();
      connections.clear();
    },
    heal() {
      armed = undefined;
      refusing = false;
      for (const connection of connections) connection.heal();
    },
    close() {
      for (const connection of connections) connection.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("the proxy has no port"));
      else resolve({ host: "127.0.0.1", port: address.port });
    });
  });
}
