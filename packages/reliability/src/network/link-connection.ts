import { connect, type Socket } from "node:net";
import type { Direction, LinkFault } from "./link-fault.js";

interface Listener {
  /** Whether the fault is this connection's to have. */
  triggered(fault: LinkFault): boolean;
  closed(): void;
}

/** Bytes on their way in one direction. */
interface Flow {
  readonly from: Socket;
  readonly to: Socket;
  state: "pass" | "hold" | "drop" | "slice";
  held: Buffer[];
  ended: boolean;
  /** Bytes that still pass before the armed fault. */
  allowance: number;
}

/** One connection through a link: a client's socket, and one to the server. */
export class LinkConnection {
  readonly #flows: Readonly<Record<Direction, Flow>>;
  readonly #listener: Listener;
  #armed: LinkFault | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lossy = false;

  constructor(client: Socket, target: { readonly host: string; readonly port: number }, listener: Listener) {
    const server = connect({ ...target, noDelay: true, allowHalfOpen: true });
    this.#listener = listener;
    this.#flows = { request: flow(client, server), answer: flow(server, client) };
    this.#follow("request");
    this.#follow("answer");
  }

  arm(fault: LinkFault): void {
    this.#armed = fault;
    this.#flows[fault.direction].allowance = fault.after;
  }

  /** Has the fault now. */
  suffer(fault: LinkFault): void {
    this.#armed = undefined;
    const { request, answer } = this.#flows;
    switch (fault.kind) {
      case "cut":
        request.from.end();
        request.to.end();
        setImmediate(() => this.#destroy());
        break;
      case "reset":
        this.reset();
        break;
      case "hold":
        this.#flows[fault.direction].state = "hold";
        if (fault.milliseconds !== Number.POSITIVE_INFINITY) {
          this.#timer = setTimeout(() => this.#release(), fault.milliseconds);
        }
        break;
      case "slice":
        this.#flows[fault.direction].state = "slice";
        break;
      case "drop-request":
        this.#drop(request);
        break;
      case "drop-answer":
        this.#drop(answer);
        break;
      case "half-open":
        this.#drop(request);
        this.#drop(answer);
        request.to.end();
        break;
    }
  }

  heal(): void {
    this.#armed = undefined;
    this.#release();
    if (this.#lossy) this.reset();
  }

  reset(): void {
    for (const { from } of Object.values(this.#flows)) if (!from.destroyed) from.resetAndDestroy();
    this.#destroy();
  }

  #follow(direction: Direction): void {
    const own = this.#flows[direction];
    own.from.on("data", (chunk: Buffer) => this.#pass(direction, chunk));
    own.from.on("end", () => {
      own.ended = true;
      if (own.state !== "hold" && own.state !== "drop") own.to.end();
    });
    own.from.on("error", () => {});
    own.from.on("close", () => {
      // What is held goes on when it is released, also where the client has given up by then.
      const waits = direction === "request" && own.state === "hold" && own.held.length > 0;
      if (!waits) this.#destroy();
    });
  }

  #pass(direction: Direction, chunk: Buffer): void {
    const own = this.#flows[direction];
    const fault = this.#armed;
    if (fault === undefined || fault.direction !== direction || chunk.length <= own.allowance) {
      own.allowance -= chunk.length;
      send(own, chunk);
      return;
    }
    const { allowance } = own;
    if (allowance > 0) send(own, chunk.subarray(0, allowance));
    this.#armed = undefined;
    if (this.#listener.triggered(fault) && fault.scope === "connection") this.suffer(fault);
    send(own, chunk.subarray(Math.max(0, allowance)));
  }

  #drop(own: Flow): void {
    own.state = "drop";
    this.#lossy = true;
  }

  #release(): void {
    clearTimeout(this.#timer);
    for (const own of Object.values(this.#flows)) {
      if (own.state !== "hold") continue;
      own.state = "pass";
      for (const chunk of own.held.splice(0)) send(own, chunk);
      if (own.ended || own.from.destroyed) own.to.end();
    }
  }

  #destroy(): void {
    clearTimeout(this.#timer);
    for (const { from } of Object.values(this.#flows)) from.destroy();
    this.#listener.closed();
  }
}

function flow(from: Socket, to: Socket): Flow {
  return { from, to, state: "pass", held: [], ended: false, allowance: 0 };
}

function send(own: Flow, chunk: Buffer): void {
  if (own.state === "drop") return;
  if (own.state === "hold") own.held.push(chunk);
  else if (own.to.destroyed || own.to.writableEnded) return;
  else if (own.state === "pass") own.to.write(chunk);
  else for (const slice of slicesOf(chunk)) own.to.write(slice);
}

/** Single bytes first, then more and more at a time, so that a large message gets through too. */
function* slicesOf(chunk: Buffer): Generator<Buffer, void, undefined> {
  for (let from = 0, size = 1; from < chunk.length; from += size, size = Math.ceil((from + 100) / 100)) {
    yield chunk.subarray(from, from + size);
  }
}
