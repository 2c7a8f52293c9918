import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Direction } from "./connection-fault.js";
import type { Address } from "./tcp-proxy.js";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** One request, and what a handler can do with it. */
export interface HttpExchange {
  readonly operation: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** Which request of this operation it is, counted from 1. */
  readonly number: number;
  /** Sends the request, or another body in its place, to the server and returns the answer. */
  forward(body?: Buffer): Promise<HttpAnswer>;
  /** Answers the client. Default status 200. The length is set to that of the body. */
  reply(answer: Partial<HttpAnswer>): void;
  /** Answers with half of the body, then resets the connection. */
  replyHalf(answer: HttpAnswer): void;
  /** Resets the client's connection. */
  reset(): void;
}

export type HttpHandler = (exchange: HttpExchange) => unknown;

/** Returns the name of the operation that a request asks for. */
export type OperationOf = (headers: IncomingMessage["headers"], url: string) => string;

/** Stands between clients and an HTTP server. `handler` decides about each request; by default all of them pass. */
export class HttpProxy implements AsyncDisposable {
  handler: HttpHandler = passThrough;
  /** Every request so far: when it came, on the clock of `performance.now()`. */
  readonly requests: { readonly at: number; readonly operation: string }[] = [];
  readonly #server: Server;

  private constructor(target: Address, operationOf: OperationOf) {
    this.#server = createServer((incoming, outgoing) => {
      this.#serve(target, operationOf, incoming, outgoing).catch((error: NodeJS.ErrnoException) => {
        incoming.socket.destroy();
        // A code means that one side has hung up. Anything else is a mistake in the handler.
        if (error.code === undefined) throw error;
      });
    });
    this.#server.keepAliveTimeout = 120_000;
  }

  /** Starts a proxy in front of `target`, on a free local port. By default a request's URL names its operation. */
  static async start(target: Address, operationOf: OperationOf = (_, url) => url): Promise<HttpProxy> {
    const proxy = new HttpProxy(target, operationOf);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  get url(): string {
    return `http://127.0.0.1:${this.address.port}`;
  }

  /** How many requests have come, of one operation or of all. */
  count(operation?: string): number {
    return this.requests.filter((each) => operation === undefined || each.operation === operation).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(
    target: Address,
    operationOf: OperationOf,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    const operation = operationOf(incoming.headers, incoming.url ?? "/");
    this.requests.push({ at: performance.now(), operation });
    const number = this.count(operation);
    const body = await buffer(incoming);
    await this.handler({
      operation,
      headers: incoming.headers,
      body,
      number,
      forward: (replacement = body) => forward(target, incoming, replacement),
      reply: ({ status = 200, headers = {}, body: answer = Buffer.alloc(0) }) => {
        const { "transfer-encoding": _, connection: __, ...kept } = headers;
        const type = { "content-type": incoming.headers["content-type"] ?? "application/octet-stream" };
        outgoing.writeHead(status, { ...type, ...kept, "content-length": answer.length }).end(answer);
      },
      replyHalf: ({ status, body: answer }) => {
        outgoing.writeHead(status, { "content-length": answer.length });
        outgoing.write(answer.subarray(0, answer.length / 2), () => incoming.socket.resetAndDestroy());
      },
      reset: () => void incoming.socket.resetAndDestroy(),
    });
  }
}

function forward({ host, port }: Address, incoming: IncomingMessage, body: Buffer): Promise<HttpAnswer> {
  const { host: _, "content-length": __, ...headers } = incoming.headers;
  return new Promise((resolve, reject) => {
    const onward = request({
      host,
      port,
      path: incoming.url,
      method: incoming.method,
      headers: { ...headers, "content-length": body.length },
    });
    onward.on("error", reject).on("response", (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      buffer(response).then((answer) => resolve({ status, headers: answered, body: answer }), reject);
    });
    onward.end(body);
  });
}

export const passThrough: HttpHandler = async (exchange) => exchange.reply(await exchange.forward());

/** Answers in the server's place. */
export function answerJson(status: number, json: unknown): HttpHandler {
  return (exchange) => exchange.reply({ status, body: Buffer.from(JSON.stringify(json)) });
}

/** Resets the connection in place of the request, or of the answer to a request that the server has done. */
export function resetHttp(direction: Direction): HttpHandler {
  return async (exchange) => {
    if (direction === "answer") await exchange.forward();
    exchange.reset();
  };
}

/** Leaves the client without an answer. With `answer`, the server does the request. */
export function dropHttp(direction: Direction): HttpHandler {
  return (exchange) => (direction === "answer" ? exchange.forward() : undefined);
}

/** Waits before the request goes on. */
export function delayHttp(milliseconds: number, next: HttpHandler = passThrough): HttpHandler {
  return async (exchange) => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return next(exchange);
  };
}

/** The server does the request, and its answer is changed on the way. */
export function rewriteAnswer(change: (answer: HttpAnswer) => Partial<HttpAnswer>): HttpHandler {
  return async (exchange) => {
    const answer = await exchange.forward();
    exchange.reply({ ...answer, ...change(answer) });
  };
}

/** Handles the first `count` requests of each operation this way, and passes the rest on. */
export function firstRequests(count: number, handler: HttpHandler): HttpHandler {
  return (exchange) => (exchange.number <= count ? handler : passThrough)(exchange);
}
