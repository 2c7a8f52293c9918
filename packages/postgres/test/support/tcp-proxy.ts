import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";

/** What a proxy does with bytes on their way to the server. */
export type Passage = (chunk: Buffer, link: Link) => "pass" | "hold" | "drop";

/** One client's connection through a proxy. */
export interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Sends what was held to the server. */
  release(): void;
  /** Whether the server's answers get through. */
  answers: boolean;
  /** Bytes of the server's answers, as they come. */
  onAnswer?: (chunk: Buffer) => void;
}

/** Stands between client and server. */
export interface TcpProxy extends AsyncDisposable {
  readonly url: string;
  readonly links: readonly Link[];
  /** Changes what the server answers; `offset` is how many bytes of the link's answers went before. */
  corrupt: (chunk: Buffer, offset: number) => Buffer;
  /** Decides on all bytes to the server, of every link. Passes them on where it is not set. */
  passage: Passage;
}

/** A proxy before the server of a `postgres://` URL, and the URL that goes through it. */
export async function tcpProxy(serverUrl: string): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const links: Link[] = [];
  const listener = createServer((client) => {
    links.push(link(client, connect(Number(target.port || 5432), target.hostname), proxy));
  });
  await listen(listener);
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const proxy: TcpProxy = {
    url: url.href,
    links,
    passage: () => "pass",
    corrupt: (chunk) => chunk,
    [Symbol.asyncDispose]: async () => {
      for (const { client, server } of links) {
        client.destroy();
        server.destroy();
      }
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  return proxy;
}

function link(client: Socket, server: Socket, proxy: TcpProxy): Link {
  let held: Buffer[] = [];
  let answered = 0;
  const self: Link = {
    client,
    server,
    answers: true,
    release: () => {
      for (const chunk of held) server.write(chunk);
      held = [];
    },
  };
  client.on("data", (chunk) => {
    const decision = held.length > 0 ? "hold" : proxy.passage(chunk, self);
    if (decision === "pass") server.write(chunk);
    if (decision === "hold") held.push(chunk);
  });
  server.on("data", (chunk) => {
    self.onAnswer?.(chunk);
    if (self.answers) client.write(proxy.corrupt(chunk, answered));
    answered += chunk.length;
  });
  // A client that is gone does not end the server's side: that is what makes a zombie.
  server.on("close", () => client.destroy());
  for (const socket of [client, server]) socket.on("error", () => {});
  return self;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
}
