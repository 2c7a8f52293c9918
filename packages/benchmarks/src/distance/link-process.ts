import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Run by `openLink`: a TCP proxy that delays what a client sends. */
export type LinkOrder =
  | { readonly order: "open"; readonly host: string; readonly port: number; readonly delay: number }
  | { readonly order: "count" };

export interface LinkReply {
  readonly port: number;
  readonly counts: LinkCounts;
}

export interface LinkCounts {
  /** How often a client sent something after it had heard from the server, or first: the round trips. */
  readonly roundTrips: number;
  /** The most of them on one connection: those that could not go side by side. */
  readonly longestChain: number;
}

/** Round trips by connection. */
let chains = new Map<Socket, number>();
const server = createServer({ noDelay: true });

process.on("message", (order: LinkOrder) => {
  if (order.order === "open") void open(order);
  else {
    reply();
    chains = new Map();
  }
});
// Who opened the link is gone.
process.on("disconnect", () => process.exit());

async function open({ host, port, delay }: LinkOrder & { order: "open" }): Promise<void> {
  server.on("connection", (client) => {
    const upstream = connect({ host, port, noDelay: true });
    let heard = true;
    client.on("data", (chunk) => {
      if (heard) chains.set(client, (chains.get(client) ?? 0) + 1);
      heard = false;
      setTimeout(() => upstream.write(chunk), delay);
    });
    upstream.on("data", (chunk) => {
      heard = true;
      client.write(chunk);
    });
    for (const [here, there] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      here.on("error", () => there.destroy());
      here.on("close", () => there.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  reply();
}

function reply(): void {
  const each = [...chains.values()];
  process.send?.({
    port: (server.address() as AddressInfo).port,
    counts: {
      roundTrips: each.reduce((sum, trips) => sum + trips, 0),
      longestChain: Math.max(0, ...each),
    },
  } satisfies LinkReply);
}
