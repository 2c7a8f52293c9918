import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { request as requestHttps, Agent as SecureAgent } from "node:https";
import { DriverError } from "../driver-error.js";
import type { Destination } from "./destination.js";
import { NotSent } from "./effects.js";

/** Time to reach the server, in milliseconds. What takes longer is tried again rather than waited for. */
const connectionTimeout = 3_000;
/** Four calls at full concurrency; the requests of further ones wait for a socket. */
const maxSockets = 64;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** Posts over connections that stay open. */
export class HttpPost {
  readonly #agent: Agent = new Agent({ keepAlive: true, maxSockets });
  readonly #secureAgent: SecureAgent = new SecureAgent({ keepAlive: true, maxSockets });

  /** @throws Node's errors, in {@link NotSent} where they are of that kind, and {@link DriverError}. */
  send(
    { protocol, hostname, port, path }: Destination,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw new NotSent(new DriverError("Abandoned"));
      const secure = protocol === "https:";
      const agent = secure ? this.#secureAgent : this.#agent;
      // An IPv6 address stands in brackets in a URL, and without them here.
      const host = hostname.replace(/^\[|\]$/g, "");
      const place = { host, port, path, method: "POST", agent, headers };
      const request = open(secure ? requestHttps : requestHttp, place);
      let timer: NodeJS.Timeout | undefined;
      /** What is written goes out as soon as there is a socket that is connected. */
      let sent = false;
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abandon);
      };
      const fail = (error: Error): void => {
        settle();
        reject(sent ? error : new NotSent(error));
        request.destroy();
      };
      const abandon = (): void => fail(new DriverError("Abandoned"));
      signal.addEventListener("abort", abandon);
      request.on("error", fail);
      request.on("socket", (socket) => {
        sent = !socket.connecting;
        if (sent) return;
        timer = setTimeout(() => fail(new DriverError("ConnectionTimeout")), connectionTimeout);
        socket.once(secure ? "secureConnect" : "connect", () => {
          clearTimeout(timer);
          sent = true;
        });
      });
      request.on("response", (response) => {
        collect(response).then((bytes) => {
          settle();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: bytes,
          });
        }, fail);
      });
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
    this.#secureAgent.destroy();
  }
}

/** Node refuses at once a header that cannot be sent, such as credentials with a line break. */
function open(request: typeof requestHttp, place: RequestOptions): ClientRequest {
  try {
    return request(place);
  } catch {
    throw new NotSent(new DriverError("UnusableCredentials"));
  }
}

function collect(response: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    response.on("end", () =>
      resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks)),
    );
    response.on("error", reject);
  });
}
