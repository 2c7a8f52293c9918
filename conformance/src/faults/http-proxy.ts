import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Direction } from "./connection-fault.js";
import type { Address } from "./tcp-proxy.js";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** The whole body. The proxy does not decompress it. */
  readonly body: Buffer;
}

/** A request from a client, and the actions that a handler can take. */
export interface HttpExchange {
  /** Name of the operation: the string that `operationOf` returned for the request. */
  readonly operation: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** Number of the request among the requests of this operation, from 1. */
  readonly number: number;
  /** Sends the request to the server, with `body` if given, and returns the response. Rejects if a connection fails. */
  forward(body?: Buffer): Promise<HttpAnswer>;
  /** Sends a response. Default: status 200, the `content-type` of the request, no body. Sets `content-length`. */
  reply(answer: Partial<HttpAnswer>): void;
  /** Sends the status, `content-length` and half of the body, but not the other headers. Then resets the connection. */
  replyHalf(answer: HttpAnswer): void;
  /** Resets the client's connection. */
  reset(): void;
}

/**
 * Handles one request. May return a promise. If the handler throws or its promise rejects, the proxy closes the
 * client's connection. An error without a `code` is a bug in the handler, and also causes an unhandled rejection.
 */
export type HttpHandler = (exchange: HttpExchange) => unknown;

/** Returns the name of the operation of a request. */
export type OperationOf = (headers: IncomingMessage["headers"], url: string) => string;

/** A proxy between clients and an HTTP server. `handler` decides what happens to each request. */
export class HttpProxy implements AsyncDisposable {
  /** Can be replaced at any time. Default `passThrough`. */
  handler: HttpHandler = passThrough;
  /** Every request so far, with its operation and its arrival time on the clock of `performance.now()`. */
  readonly requests: { readonly at: number; readonly operation: string }[] = [];
  readonly #server: Server;

  private constructor(target: Address, operationOf: OperationOf) {
    this.#server = createServer((incoming, outgoing) => {
      this.#serve(target, operationOf, incoming, outgoing).catch((error: NodeJS.ErrnoException) => {
        incoming.socket.destroy();
        // An error with a code comes from a failed or closed connection. Any other error is a bug in the handler.
        if (error.code === undefined) throw error;
      });
    });
    this.#server.keepAliveTimeout = 120_000;
  }

  /** Starts a proxy on a free port of 127.0.0.1. By default, the URL of a request is the name of its operation. */
  static async start(target: Address, operationOf: OperationOf = (_, url) => url): Promise<HttpProxy> {
    const proxy = new HttpProxy(target, operationOf);
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  /** The base URL for clients: `http://127.0.0.1:<port>`, without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${this.address.port}`;
  }

  /** Returns the number of requests so far: of one operation, or of all operations if `operation` is absent. */
  count(operation?: string): number {
    return this.requests.filter((each) => operation === undefined || each.operation === operation).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
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
  const { url: path, method } = incoming;
  const { host: _, ...headers } = incoming.headers;
  return new Promise((resolve, reject) => {
    const onward = request({ host, port, path, method, headers: { ...headers, "content-length": body.length } });
    onward.on("error", reject).on("response", (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      buffer(response).then((answer) => resolve({ status, headers: answered, body: answer }), reject);
    });
    onward.end(body);
  });
}

/** Forwards the request to the server and sends the server's response to the client. */
export const passThrough: HttpHandler = async (exchange) => exchange.reply(await exchange.forward());

/** Returns a handler that sends a JSON response without contacting the server. */
export function answerJson(status: number, json: unknown): HttpHandler {
  return (exchange) => exchange.reply({ status, body: Buffer.from(JSON.stringify(json)) });
}

/** Returns a handler that resets the client's connection. With `answer`, the server executes the request first. */
export function resetHttp(direction: Direction): HttpHandler {
  return async (exchange) => {
    if (direction === "answer") await exchange.forward();
    exchange.reset();
  };
}

/** Returns a handler that sends no response. Only with `answer` does the server receive the request. */
export function dropHttp(direction: Direction): HttpHandler {
  return (exchange) => (direction === "answer" ? exchange.forward() : undefined);
}

/** Returns a handler that waits for `milliseconds`, then passes the request to `next` (default: to the server). */
export function delayHttp(milliseconds: number, next: HttpHandler = passThrough): HttpHandler {
  return async (exchange) => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return next(exchange);
  };
}

/** Returns a handler that forwards the request and replaces parts of the response with the result of `change`. */
export function rewriteAnswer(change: (answer: HttpAnswer) => Partial<HttpAnswer>): HttpHandler {
  return async (exchange) => {
    const answer = await exchange.forward();
    exchange.reply({ ...answer, ...change(answer) });
  };
}

/** Returns a handler that passes the first `count` requests of each operation to `handler` and forwards the others. */
export function firstRequests(count: number, handler: HttpHandler): HttpHandler {
  return (exchange) => (exchange.number <= count ? handler : passThrough)(exchange);
}
