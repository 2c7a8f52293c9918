import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { clearTimer, type DriverRequest, setTimer } from "@manykv/core/driver";
import { neverSent } from "../connection-fault.js";
import type { Capacity } from "./capacity.js";

/** The Node.js channel for HTTP requests that have a socket: https://nodejs.org/api/diagnostics_channel.html#http */
const channel = "http.client.request.start";
/** The header with the id of a request. The SDK uses the same header. */
export const requestIdHeader = "amz-sdk-invocation-id";

/** Tracks which requests have left this process. */
export class Departures {
  /** Whether Node.js has published a request on the channel. */
  areAnnounced = false;
  /** The requests in flight, by `id`. */
  readonly open: Map<unknown, Departure> = new Map();
  readonly #onRequest: (message: unknown) => void;

  /** @param connectTimeout - maximum time to connect, including the TLS handshake, in milliseconds. Default: none. */
  constructor(connectTimeout?: number) {
    this.#onRequest = (message) => {
      const { request } = message as { request: ClientRequest };
      this.areAnnounced = true;
      try {
        this.open.get(request.getHeader(requestIdHeader))?.follow(request, connectTimeout);
      } catch {
        // An error in a subscriber would end the process. The request may be one of another library.
      }
    };
    subscribe(channel, this.#onRequest);
  }

  close(): void {
    unsubscribe(channel, this.#onRequest);
  }
}

/**
 * Tracks whether one request was sent. Also serves as the abort signal for the SDK's own request handler, which needs
 * only `aborted` and `onabort`. A real `AbortSignal` takes longer to create.
 */
export class Departure {
  readonly id: string = randomUUID();
  readonly #request: DriverRequest;
  readonly #answers: Capacity;
  readonly #listeners: (() => void)[] = [];
  #ended = false;
  aborted = false;
  onabort: (() => void) | null = null;
  #state: "unsent" | "handed over" | "sent" | "answered" = "unsent";
  /** Whether the caller's middleware repeated the request after an attempt whose effect is unknown. */
  #earlierInDoubt = false;

  /** @param answers - the bytes that the responses of all requests may have in memory */
  constructor(request: DriverRequest, answers: Capacity) {
    this.#request = request;
    this.#answers = answers;
  }

  /** A real signal, for other request handlers. */
  get signal(): AbortSignal {
    return this.#request.signal;
  }

  /** Whether the request will end without an answer. */
  get isGivenUp(): boolean {
    return this.#request.aborted;
  }

  /** Records that the request is passed to the request handler. Throws if the request was already cancelled. */
  handOver(): void {
    if (this.aborted) throw new Error("the request was cancelled before it was sent");
    this.#earlierInDoubt ||= this.#state === "sent" || this.#state === "handed over";
    this.#state = "handed over";
  }

  /** Counts a request as sent once its socket has connected. Destroys the request if connecting takes too long. */
  follow(request: ClientRequest, connectTimeout: number | undefined): void {
    const { socket, protocol } = request;
    // Deno sends a request again on another connection if a kept one closes before the response. Only core may repeat one.
    request.once("socket", (other) => {
      if (other !== socket)
        request.destroy(Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" }));
    });
    this.#state = socket?.connecting ? "unsent" : "sent";
    if (!socket?.connecting) return;
    const late = Object.assign(new Error(), { name: "TimeoutError", syscall: "connect" });
    const timer = connectTimeout ? setTimer(() => request.destroy(late), connectTimeout) : undefined;
    request.once("close", () => clearTimer(timer));
    socket.once(protocol === "https:" ? "secureConnect" : "connect", () => {
      clearTimer(timer);
      this.#state = "sent";
    });
  }

  fail(error: unknown): void {
    if (neverSent(error)) this.#state = "unsent";
  }

  /** Records a response. Ignores a status of 500 or above, because DynamoDB may or may not have applied the request. */
  answer(status: number): void {
    if (status < 500) this.#state = "answered";
  }

  cancel(): void {
    this.aborted = true;
    this.onabort?.();
  }

  /** Waits until the response may have this many bytes in memory. */
  reserve(bytes: number): Promise<void> {
    return this.#answers.take(bytes, this);
  }

  /** Calls `listener` when the request ends, or at once if it has ended. */
  onEnd(listener: () => void): void {
    if (this.#ended) listener();
    else this.#listeners.push(listener);
  }

  end(): void {
    this.#ended = true;
    for (const listener of this.#listeners) listener();
  }

  /**
   * Returns the effect that the request may have had.
   *
   * @param answered - the effect to return if a response with a status below 500 has arrived
   * @param isAnnounced - whether the channel reports the handler's requests. If not, handed-over requests count as sent
   */
  effect(answered: "none" | "unknown", isAnnounced: boolean): "none" | "unknown" {
    if (this.#earlierInDoubt || this.#state === "sent") return "unknown";
    if (this.#state === "answered") return answered;
    return this.#state === "unsent" || isAnnounced ? "none" : "unknown";
  }
}
