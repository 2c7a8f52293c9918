import { type DriverRequest, type Fault, isAborted, onAbort } from "@manykv/core";
import type { Exchange, Reply } from "../protocol/exchange.js";
import type { Identity } from "./identity.js";
import { killClient } from "./kill-client.js";
import type { Wire } from "./wire.js";

/** A signal that fires this close to the deadline, in milliseconds, fires for the deadline's sake. */
const timerSlack = 5;

/** Replies in the order of the commands, and what became of the commands that have none. */
export interface Sent {
  readonly replies: readonly Reply[];
  readonly fault: Fault | undefined;
}

/** One connection to one Redis process, from its opening to its end. */
export class Connection {
  readonly identity: Identity;
  readonly #wire: Wire;
  readonly #openGuard: () => Promise<Wire>;
  #dropped = false;
  #waiting = 0;
  #ended = false;
  /** While it is being ended: many requests that are lost together need one second connection. */
  #ending: Promise<void> | undefined;
  #inquiry: Promise<void> | undefined;

  /** @param openGuard - opens a second connection to the same server */
  constructor(wire: Wire, identity: Identity, openGuard: () => Promise<Wire>) {
    this.#wire = wire;
    this.identity = identity;
    this.#openGuard = openGuard;
  }

  /** Whether commands can be sent over it now. */
  get usable(): boolean {
    return !this.#dropped && this.#inquiry === undefined && this.#wire.usable;
  }

  /** Whether nothing waits for an answer over it, or for its end. */
  get idle(): boolean {
    return this.#waiting === 0 && this.#inquiry === undefined && this.#ending === undefined;
  }

  /** While it is being found out whether a connection that owes an answer still works: settles when that is known. */
  get inquiry(): Promise<void> | undefined {
    return this.#inquiry;
  }

  /** Writes `bytes`, which hold `count` commands, and waits for the replies, no longer than the request lives. */
  async send(request: DriverRequest, name: string, bytes: Buffer, count: number): Promise<Sent> {
    if (!this.usable || isAborted(request)) return unsent;
    const sent = this.#wire.send(name, bytes, count);
    const off = onAbort(request, () => sent.finish("abandoned"));
    this.#waiting++;
    const ending = await sent.ended;
    this.#waiting--;
    off();
    const { replies } = sent;
    if (ending === "complete") return { replies, fault: undefined };
    if (ending === "unsent") return unsent;
    const timedOut = ending === "abandoned" && performance.now() >= request.deadline - timerSlack;
    if (timedOut) this.#inquire(sent).catch(() => {});
    const code = ending === "abandoned" ? "timeout" : "connection-lost";
    const fence = (settling: DriverRequest): Promise<void> => this.#settle(sent, settling);
    return { replies, fault: { code, retryable: true, effect: "unknown", fence } };
  }

  /** The fault of a request whose replies are not such as it has. Whose they are nobody knows, so all of it ends. */
  outOfStep(): Fault {
    this.drop();
    const fence = (): Promise<void> => this.#end(() => false);
    return { code: "connection-lost", retryable: true, effect: "unknown", reason: "unexpected reply", fence };
  }

  /** Ends the connection at this side. What is in flight over it is lost. */
  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#wire.destroy();
  }

  /** Resolves when a lost request has taken effect or never will. */
  async #settle(sent: Exchange, request: DriverRequest): Promise<void> {
    // It may find that the connection works and leave this request open all the same.
    await this.#inquiry?.catch(() => {});
    if (isAborted(request)) return;
    await this.#end(() => sent.answered);
  }

  /** Ends a connection that is silent while its server answers. */
  #inquire(sent: Exchange): Promise<void> {
    const received = this.#wire.bytesRead;
    const works = (): boolean => sent.answered || this.#wire.bytesRead > received;
    this.#inquiry ??= this.#end(works).finally(() => {
      this.#inquiry = undefined;
    });
    return this.#inquiry;
  }

  /**
   * Ends the connection at the server, over a second one, so that bytes still under way find nobody; then at this side.
   * By the time that the server has answered over a second connection, one that was only slow has answered over this one.
   *
   * @param settled - asked then: nothing needs to be ended
   */
  async #end(settled: () => boolean): Promise<void> {
    // An ending that somebody else began may find that nothing needs to be ended for them.
    while (!this.#ended && !settled()) {
      this.#ending ??= this.#endOverGuard(settled).finally(() => {
        this.#ending = undefined;
      });
      await this.#ending;
    }
  }

  async #endOverGuard(settled: () => boolean): Promise<void> {
    const guard = await this.#openGuard();
    try {
      if (!settled()) await this.endOver(guard).finally(() => this.drop());
    } finally {
      guard.destroy();
    }
  }

  /**
   * Ends this connection at the server, over another that is open.
   *
   * @throws where the server does not say that it did
   */
  async endOver(other: Wire): Promise<void> {
    if (this.#ended) return;
    await killClient(other, this.identity.client);
    this.#ended = true;
  }
}

const unsent: Sent = Object.freeze({
  replies: Object.freeze([]),
  fault: Object.freeze({ code: "connection-lost", retryable: true, effect: "none" }),
});
