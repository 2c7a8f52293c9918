import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { neverSent } from "../connection-fault.js";

/** Node.js announces each HTTP request that has a socket: https://nodejs.org/api/diagnostics_channel.html#http */
const channel = "http.client.request.start";
/** The SDK identifies requests by this header too. */
export const requestIdHeader = "amz-sdk-invocation-id";

/** Watches which requests leave this process. */
export class Departures {
  /** Whether this runtime announces requests. */
  areAnnounced = false;
  /** By `id`. */
  readonly open: Map<unknown, Departure> = new Map();
  readonly #onRequest: (message: unknown) => void;

  /** @param connectTimeout - in milliseconds, TLS handshake included */
  constructor(connectTimeout?: number) {
    this.#onRequest = (message) => {
      const { request } = message as { request: ClientRequest };
      this.areAnnounced = true;
      this.open.get(request.getHeader(requestIdHeader))?.follow(request, connectTimeout);
    };
    subscribe(channel, this.#onRequest);
  }

  close(): void {
    unsubscribe(channel, this.#onRequest);
  }
}

/**
 * What is known about one request. Also an abort signal for the SDK's own request handler, which asks for no more than
 * this; a real `AbortSignal` takes longer to create.
 */
export class Departure {
  readonly id: string = randomUUID();
  aborted = false;
  onabort: (() => void) | null = null;
  #state: "unsent" | "handed over" | "sent" | "answered" = "unsent";
  /** Middleware of the caller repeated the request after an attempt without a definite answer. */
  #earlierInDoubt = false;

  /** Call before the request handler. Throws if the request was cancelled, for example while it waited for credentials. */
  handOver(): void {
    if (this.aborted) throw new Error("the request was cancelled before it was sent");
    this.#earlierInDoubt ||= this.#state === "sent" || this.#state === "handed over";
    this.#state = "handed over";
  }

  /** What was written leaves as soon as the socket is connected. */
  follow(request: ClientRequest, connectTimeout: number | undefined): void {
    const { socket, protocol } = request;
    this.#state = socket?.connecting ? "unsent" : "sent";
    if (!socket?.connecting) return;
    const late = Object.assign(new Error(), { name: "TimeoutError", syscall: "connect" });
    const timer = connectTimeout && setTimeout(() => request.destroy(late), connectTimeout);
    request.once("close", () => clearTimeout(timer));
    socket.once(protocol === "https:" ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      this.#state = "sent";
    });
  }

  fail(error: unknown): void {
    if (neverSent(error)) this.#state = "unsent";
  }

  /** After a server error, it is unknown what DynamoDB did. */
  answer(status: number): void {
    if (status < 500) this.#state = "answered";
  }

  cancel(): void {
    this.aborted = true;
    this.onabort?.();
  }

  /**
   * Returns what the request may have done.
   *
   * @param answered - what the answer says about that, if there is one
   * @param isAnnounced - whether the channel announces requests of this request handler. If not, they count as sent.
   */
  effect(answered: "none" | "unknown", isAnnounced: boolean): "none" | "unknown" {
    if (this.#earlierInDoubt || this.#state === "sent") return "unknown";
    if (this.#state === "answered") return answered;
    return this.#state === "unsent" || isAnnounced ? "none" : "unknown";
  }
}
