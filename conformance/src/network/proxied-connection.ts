import { connect, type Socket } from "node:net";
import type { Address } from "../harness.js";
import { type ArmedFault, Progress } from "./armed-fault.js";
import type { ConnectionFault, Direction } from "./connection-fault.js";

/** What a proxy counts. */
export interface ProxyCounts {
  connections: number;
  requestBytes: number;
  answerBytes: number;
  /** How often an armed fault happened. */
  faults: number;
}

/** One client's connection and the proxy's own to the server, with whatever goes wrong between them. */
export class ProxiedConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #counts: ProxyCounts;
  readonly #armed: () => ArmedFault | undefined;
  /** The fault that happens to this connection now. */
  #fault: ConnectionFault | undefined;
  #measured: ArmedFault | undefined;
  #progress: Record<Direction, Progress> = { request: new Progress(), answer: new Progress() };
  #held: Buffer[] = [];
  #halfOpen = false;

  constructor(client: Socket, target: Address, counts: ProxyCounts, armed: () => ArmedFault | undefined) {
    this.#client = client;
    this.#server = connect(target);
    this.#counts = counts;
    this.#armed = armed;
    for (const socket of [client, this.#server]) {
      socket.setNoDelay(true);
      // Whatever breaks on one side is passed on by `close`; the error itself is of no interest here.
      socket.on("error", () => {});
    }
    client.on("data", (chunk) => this.#receive("request", chunk));
    this.#server.on("data", (chunk) => this.#receive("answer", chunk));
    client.on("end", () => this.#end(this.#server));
    this.#server.on("end", () => this.#end(client));
    client.on("close", () => this.#closed(this.#server));
    this.#server.on("close", () => this.#closed(client));
  }

  /** Whether neither side is there any more. */
  get gone(): boolean {
    return this.#client.destroyed && this.#server.destroyed;
  }

  /** Ends the fault: what was held goes on, and a connection that lost something is reset, as TCP would do it. */
  heal(): void {
    const { kind, direction = "request" } = this.#fault ?? {};
    this.#fault = undefined;
    for (const chunk of this.#held.splice(0)) this.#send(direction, chunk);
    if (kind === "drop" || this.#halfOpen) this.destroy();
    else if (this.#client.destroyed) this.#server.end();
  }

  destroy(): void {
    this.#held = [];
    this.#client.destroy();
    this.#server.destroy();
  }

  #receive(direction: Direction, chunk: Buffer): void {
    this.#counts[direction === "request" ? "requestBytes" : "answerBytes"] += chunk.length;
    const rest = this.#fault === undefined ? this.#untilFault(direction, chunk) : chunk;
    if (rest === undefined) return;
    if (this.#fault?.direction === direction) this.#suffer(this.#fault, rest);
    else this.#send(direction, rest);
  }

  /** Passes on what comes before the armed fault. Gives what is left of the chunk once that has begun. */
  #untilFault(direction: Direction, chunk: Buffer): Buffer | undefined {
    const armed = this.#armed();
    if (armed === undefined || armed.fault.direction !== direction) {
      this.#send(direction, chunk);
      return undefined;
    }
    if (this.#measured !== armed) {
      this.#measured = armed;
      this.#progress = { request: new Progress(), answer: new Progress() };
    }
    const passing = this.#progress[direction].passing(armed.fault, chunk.length);
    if (passing > 0) this.#send(direction, chunk.subarray(0, passing));
    if (passing === chunk.length) return undefined;
    if (armed.claim()) {
      this.#fault = armed.fault;
      this.#counts.faults++;
    }
    return chunk.subarray(passing);
  }

  #suffer(fault: ConnectionFault, chunk: Buffer): void {
    switch (fault.kind) {
      case "cut":
        this.#client.end();
        this.#server.end();
        return;
      case "reset":
        this.#client.resetAndDestroy();
        this.#server.resetAndDestroy();
        return;
      case "hold":
        this.#held.push(chunk);
        return;
      case "drop":
        return;
      case "half-open":
        this.#halfOpen = true;
        this.#server.destroy();
        return;
      case "garble":
        this.#send(fault.direction, Buffer.from(chunk.map((byte, index) => byte ^ (0x55 + (index % 7)))));
        return;
      case "slice":
        for (let at = 0; at < chunk.length; at += 3) this.#send(fault.direction, chunk.subarray(at, at + 3));
    }
  }

  #send(direction: Direction, chunk: Buffer): void {
    const [from, to] = direction === "request" ? [this.#client, this.#server] : [this.#server, this.#client];
    if (to.destroyed || to.writableEnded) return;
    if (to.write(chunk)) return;
    from.pause();
    to.once("drain", () => from.resume());
  }

  /** One side has said that it sends no more: so says the other, unless the fault keeps it from knowing. */
  #end(other: Socket): void {
    if (!this.#silent()) other.end();
  }

  #closed(other: Socket): void {
    if (!this.#silent()) other.destroySoon();
  }

  /** Whether the two sides must not learn of each other's end: bytes are still held, or one side is gone unnoticed. */
  #silent(): boolean {
    return this.#halfOpen || this.#fault?.kind === "hold" || this.#fault?.kind === "drop";
  }
}
