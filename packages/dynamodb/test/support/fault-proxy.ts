import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A real answer of the server behind the proxy. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** One request on its way from the client to the server. */
export interface Passage {
  /** `BatchWriteItem` */
  readonly operation: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** The how-manieth request of this operation it is, from 1. */
  readonly number: number;
  /** Has the server do it, or something else in its place. */
  forward(body?: Buffer): Promise<Answer>;
  reply(answer: Partial<Answer>): void;
  /** Sends half of the body, then resets the connection. */
  replyInHalf(answer: Answer): void;
  /** Ends the client's connection with a reset. */
  reset(): void;
}

export type Behaviour = (passage: Passage) => unknown;

/** Stands between client and server. What it does with a request is up to `behave`; by default it passes it on. */
export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string;
  behave: Behaviour;
  /** How many requests came, of an operation or of all. */
  count(operation?: string): number;
}

export const pass: Behaviour = async (passage) => passage.reply(await passage.forward());

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const counts = new Map<string, number>();
  const server = createServer(async (incoming, outgoing) => {
    const operation = String(incoming.headers["x-amz-target"]).split(".")[1] ?? "";
    const number = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, number);
    const body = await buffer(incoming);
    await proxy.behave({
      operation,
      headers: incoming.headers,
      body,
      number,
      forward: (replacement = body) => forward(target, incoming, replacement),
      reply: (answer) => reply(outgoing, answer),
      replyInHalf: (answer) => replyInHalf(outgoing, answer),
      reset: () => outgoing.socket?.resetAndDestroy(),
    });
  });
  const port = await listen(server);
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    behave: pass,
    count: (operation) =>
      operation === undefined
        ? [...counts.values()].reduce((sum, count) => sum + count, 0)
        : (counts.get(operation) ?? 0),
    [Symbol.asyncDispose]: () => close(server),
  };
  return proxy;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function forward(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { host, "content-length": length, ...headers } = incoming.headers;
  return new Promise((resolve, reject) => {
    const onward = request(target, {
      method: "POST",
      headers: { ...headers, "content-length": body.length },
    });
    onward.on("error", reject).on("response", async (response) => {
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: await buffer(response),
      });
    });
    onward.end(body);
  });
}

function reply(
  outgoing: ServerResponse,
  { status = 200, headers = {}, body = Buffer.alloc(0) }: Partial<Answer>,
): void {
  const { "content-length": length, "transfer-encoding": encoding, connection, ...kept } = headers;
  outgoing.writeHead(status, { "content-type": "application/x-amz-json-1.0", ...kept });
  outgoing.end(body);
}

function replyInHalf(outgoing: ServerResponse, { status, body }: Answer): void {
  outgoing.writeHead(status, { "content-length": body.length });
  outgoing.write(body.subarray(0, body.length / 2), () => outgoing.socket?.resetAndDestroy());
}
