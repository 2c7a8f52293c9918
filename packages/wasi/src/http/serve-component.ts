import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { availableParallelism } from "node:os";
import { type LoadOptions, loadComponent } from "../component/load-component.js";
import { type WasiOptions, wasiImports } from "../component/wasi-imports.js";
import { KeyvalueHost, type KeyvalueOptions, ownBackend, resolveOptions } from "../keyvalue.js";
import type { HttpRequest, ResponseSink } from "./exchange.js";
import { type RequestHandler, requestHandler } from "./request-handler.js";
import { RequestThreads } from "./request-threads.js";

/** Options of {@link serveComponent}. */
export interface ServeOptions extends LoadOptions {
  /** The stores of the component. A component without JSPI can also use store objects, because it has its own threads. */
  readonly keyvalue: Omit<KeyvalueOptions, "shape" | "mode">;
  /** What the component may use of the system. Default: nothing. */
  readonly wasi?: WasiOptions | undefined;
  /** Port of the server. Default: a free port. */
  readonly port?: number | undefined;
  /** Address of the server. Default: `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Maximum number of threads of a component without JSPI. Default: four, or the number of processors if it is larger. */
  readonly threads?: number | undefined;
  /** Maximum size of the body of a request, in bytes. A larger one is answered with 413. Default: 16 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Called with the reason if a request failed. The client learns only that it failed. */
  readonly onRequestError?: ((error: unknown) => void) | undefined;
}

/** A running server. */
export interface ComponentServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Stops accepting requests, waits until every response was sent, and closes the stores. */
  close(): Promise<void>;
}

/**
 * Serves a component that exports `wasi:http/incoming-handler` or, with WASI 0.3, `wasi:http/handler`. Each request gets a
 * new instance of the component.
 *
 * @throws {StoreError} if the component cannot be loaded, or if a store cannot be opened.
 */
export async function serveComponent(bytes: Uint8Array, options: ServeOptions): Promise<ComponentServer> {
  const { wasi = {}, cache, port = 0, host = "127.0.0.1", maxBodyBytes = 16 * 1024 * 1024, onRequestError } = options;
  const component = await loadComponent(bytes, options);
  const { host: settings, ...stores } = resolveOptions({
    ...options.keyvalue,
    mode: component.mode,
    shape: component.shape,
  });
  const backend = ownBackend(stores.settings, stores.limits);
  const keyvalue = component.shape && new KeyvalueHost(settings, backend);
  // Also checks the component, before the first request.
  const imports = await wasiImports(wasi, component.imports);
  let handle: RequestHandler = await requestHandler(component, keyvalue, imports);
  let threads: RequestThreads | undefined;
  if (component.mode === "sync") {
    const data = { component: bytes, cache, host: component.shape && settings, timeout: stores.limits.timeout, wasi };
    threads = new RequestThreads(data, backend.runner, options.threads ?? Math.max(4, availableParallelism()));
    handle = threads.handle.bind(threads);
  }
  await backend.open();
  const running = new RunningServer(handle, maxBodyBytes, onRequestError);
  try {
    await running.listen(port, host);
  } catch (error) {
    await backend.close();
    throw error;
  }
  const close = async (): Promise<void> => {
    await running.close();
    await threads?.close();
    await backend.close();
  };
  return { host, port: running.port, close, [Symbol.asyncDispose]: close };
}

class RunningServer {
  readonly #server: Server;
  readonly #handle: RequestHandler;
  readonly #maxBodyBytes: number;
  readonly #onRequestError: ((error: unknown) => void) | undefined;
  #isClosing = false;

  constructor(handle: RequestHandler, maxBodyBytes: number, onRequestError: ((error: unknown) => void) | undefined) {
    this.#handle = handle;
    this.#maxBodyBytes = maxBodyBytes;
    this.#onRequestError = onRequestError;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, resolve);
    });
  }

  close(): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A connection that stays open would keep the server from closing.
    response.on("finish", () => {
      if (this.#isClosing) setImmediate(() => this.#server.closeIdleConnections());
    });
    try {
      const body = await readBody(request, this.#maxBodyBytes);
      if (body === undefined) return refuseBody(response);
      await this.#handle(toHttpRequest(request, body), toSink(response));
    } catch (error) {
      this.#onRequestError?.(error);
    }
  }
}

/** Reads the whole body, or returns `undefined` if it is too large. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  // A chunk may be a view of a pool, and a message to another thread would copy the whole pool.
  const body = new Uint8Array(bytes);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}

function refuseBody(response: ServerResponse): void {
  response.writeHead(413, { connection: "close" });
  response.end();
}

function toHttpRequest(
  { method = "GET", url = "/", headers, headersDistinct }: IncomingMessage,
  body: Uint8Array,
): HttpRequest {
  const pairs = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value) => [name, value] as const),
  );
  return { method, pathWithQuery: url, authority: headers.host, headers: pairs, body };
}

function toSink(response: ServerResponse): ResponseSink {
  return {
    head: (status, headers) => {
      // Node.js encodes each character of a header as one byte. A TextDecoder would decode some bytes differently.
      for (const [name, value] of headers) response.appendHeader(name, Buffer.from(value).toString("latin1"));
      response.writeHead(status);
      // Sends the head. `flushHeaders` would encode it as UTF-8.
      response.write(new Uint8Array(0));
    },
    write: (bytes) => void response.write(bytes),
    end: () => void response.end(),
    abort: () => void response.destroy(),
  };
}
