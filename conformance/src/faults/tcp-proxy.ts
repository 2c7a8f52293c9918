import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import * as tls from "node:tls";
import type { ConnectionFault, Direction } from "./connection-fault.js";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface TcpProxyOptions {
  /** Delays every byte of a direction, in milliseconds. */
  readonly latency?: Readonly<Partial<Record<Direction, number>>>;
  /** Speaks TLS to clients, with this certificate and key. */
  readonly clientTls?: tls.TlsOptions;
  /** Speaks TLS to the server. */
  readonly serverTls?: tls.ConnectionOptions;
}

export interface ProxyCounts {
  /** How many connections clients have opened. */
  connections: number;
  requestBytes: number;
  answerBytes: number;
  /** How many armed faults have begun. */
  faults: number;
}

/** Sees every chunk first. Returns the bytes to forward instead, or `undefined` to discard the chunk. */
export type Intercept = (chunk: Buffer, direction: Direction, connection: ProxiedConnection) => Buffer | undefined;

/** Stands between clients and one server, passes bytes on, and breaks connections when told to. */
export class TcpProxy implements AsyncDisposable {
  readonly counts: ProxyCounts = { connections: 0, requestBytes: 0, answerBytes: 0, faults: 0 };
  /** The open connections, in the order in which they were opened. */
  readonly connections: Set<ProxiedConnection> = new Set();
  intercept: Intercept = (chunk) => chunk;
  /** Called for each new connection, before any byte passes. */
  onConnection: (connection: ProxiedConnection) => void = () => {};
  readonly #server: Server;
  #last: ProxiedConnection | undefined;
  #armed: { readonly fault: ConnectionFault; readonly onBegin: () => void } | undefined;
  /** A fault of all connections that has begun. */
  #lasting: ConnectionFault | undefined;
  #refusing = false;

  private constructor(target: Address, { latency = {}, clientTls, serverTls }: TcpProxyOptions) {
    const accept = (client: Socket): void => {
      this.counts.connections++;
      client.on("error", () => {});
      if (this.#refusing) reset(client);
      else this.#open(client, dial(target, serverTls), latency);
    };
    const options = { allowHalfOpen: true, noDelay: true, handshakeTimeout: 5_000 };
    const server = clientTls ? tls.createServer({ ...options, ...clientTls }, accept) : createServer(options, accept);
    this.#server = server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  }

  /** Starts a proxy in front of `target`, on a free local port. */
  static async start(target: Address, options: TcpProxyOptions = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  /** Where clients connect to. */
  get address(): Address {
    return { host: "127.0.0.1", port: this.port };
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The connection that was opened last. It may be closed by now. */
  get last(): ProxiedConnection {
    if (this.#last === undefined) throw new Error("TcpProxy.last: no client has connected yet");
    return this.#last;
  }

  /** The server's URL with the proxy's address in it. */
  url(serverUrl: string): string {
    const url = new URL(serverUrl);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  /** Arms a fault on open and new connections. Calls `onBegin` when the fault begins, at the bytes it waits for. */
  arm(fault: ConnectionFault, onBegin: () => void = () => {}): void {
    this.#armed = { fault, onBegin };
    for (const connection of this.connections) connection.arm(fault);
  }

  /** Takes back a fault that has not begun. */
  disarm(): void {
    this.#armed = undefined;
  }

  /** Closes open connections, and resets new ones until `heal()`, as if no server were there. */
  refuse(): void {
    this.#refusing = true;
    this.closeConnections();
  }

  /** Ends every fault: held bytes go on, and connections that lost bytes are reset. */
  heal(): void {
    this.#armed = undefined;
    this.#lasting = undefined;
    this.#refusing = false;
    for (const connection of [...this.connections]) connection.heal();
  }

  closeConnections(): void {
    for (const { client, server } of [...this.connections]) for (const socket of [client, server]) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #open(client: Socket, server: Socket, latency: NonNullable<TcpProxyOptions["latency"]>): void {
    const connection = new ProxiedConnection(client, server, latency, {
      received: (direction, chunk) => {
        this.counts[`${direction}Bytes`] += chunk.length;
        return this.intercept(chunk, direction, connection);
      },
      reached: (fault) => this.#begin(fault, connection),
      closed: () => this.connections.delete(connection),
    });
    this.#last = connection;
    this.connections.add(connection);
    this.onConnection(connection);
    if (this.#lasting !== undefined) connection.apply(this.#lasting);
    else if (this.#armed !== undefined) connection.arm(this.#armed.fault);
  }

  #begin(fault: ConnectionFault, connection: ProxiedConnection): void {
    if (this.#armed?.fault !== fault) return;
    const { onBegin } = this.#armed;
    this.#armed = undefined;
    this.counts.faults++;
    if (fault.scope === "all") this.#lasting = fault;
    for (const each of fault.scope === "all" ? [...this.connections] : [connection]) each.apply(fault);
    onBegin();
  }
}

/** What a connection tells its proxy. */
interface ConnectionEvents {
  received(direction: Direction, chunk: Buffer): Buffer | undefined;
  /** The bytes at which an armed fault begins have come. */
  reached(fault: ConnectionFault): void;
  closed(): void;
}

/** Bytes on their way in one direction. */
interface Flow {
  readonly from: Socket;
  readonly to: Socket;
  readonly held: Buffer[];
  mode: "pass" | "hold" | "drop" | "garble" | "slice";
  ended: boolean;
  armed?: { readonly fault: ConnectionFault; left: number } | undefined;
}

/** A client's connection to the proxy, together with the proxy's own to the server. */
export class ProxiedConnection {
  readonly client: Socket;
  readonly server: Socket;
  readonly #flows: Readonly<Record<Direction, Flow>>;
  readonly #events: ConnectionEvents;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    client: Socket,
    server: Socket,
    latency: NonNullable<TcpProxyOptions["latency"]>,
    events: ConnectionEvents,
  ) {
    this.client = client;
    this.server = server;
    this.#events = events;
    this.#flows = {
      request: { from: client, to: server, held: [], mode: "pass", ended: false },
      answer: { from: server, to: client, held: [], mode: "pass", ended: false },
    };
    for (const direction of ["request", "answer"] as const) this.#follow(direction, latency[direction] ?? 0);
  }

  /** The fault begins once the bytes it waits for have passed. */
  arm(fault: ConnectionFault): void {
    const { after = { bytes: 0 } } = fault;
    const left = "bytes" in after ? after.bytes : after.messages;
    this.#flows[fault.direction].armed = { fault, left };
  }

  /** The fault begins now. */
  apply({ kind, direction, milliseconds }: ConnectionFault): void {
    if (kind === "cut") this.cut();
    else if (kind === "reset") this.reset();
    else if (kind === "half-open") {
      for (const flow of Object.values(this.#flows)) flow.mode = "drop";
      this.server.end();
    } else this.#flows[direction].mode = kind;
    if (kind === "hold" && milliseconds !== undefined)
      this.#timer = setTimeout(() => this.release(direction), milliseconds);
  }

  /** Keeps bytes of this direction until they are released. */
  hold(direction: Direction): void {
    this.#flows[direction].mode = "hold";
  }

  /** Discards bytes of this direction. */
  drop(direction: Direction): void {
    this.#flows[direction].mode = "drop";
  }

  /** How many bytes are held. */
  waiting(direction: Direction): number {
    return this.#flows[direction].held.reduce((sum, { length }) => sum + length, 0);
  }

  /** Sends what was held, even if the client has hung up. */
  release(direction: Direction): void {
    const flow = this.#flows[direction];
    for (const chunk of this.take(direction)) this.send(direction, chunk);
    if (flow.ended || flow.from.destroyed) flow.to.end();
  }

  /** Returns what was held for the caller to send, and holds no more. */
  take(direction: Direction): readonly Buffer[] {
    const flow = this.#flows[direction];
    if (flow.mode === "hold") flow.mode = "pass";
    return flow.held.splice(0);
  }

  /** Sends bytes as if they had just arrived. */
  send(direction: Direction, chunk: Buffer): void {
    const flow = this.#flows[direction];
    const { mode, from, to, held } = flow;
    if (mode === "hold") held.push(chunk);
    if (mode === "hold" || mode === "drop" || to.destroyed || to.writableEnded) return;
    if (mode === "slice") return void slice(chunk, flow);
    const full = !to.write(mode === "garble" ? chunk.map((byte, index) => byte ^ (85 + (index % 7))) : chunk);
    if (!full || from.isPaused()) return;
    from.pause();
    to.once("drain", () => from.resume());
  }

  /** Closes both sides in order. */
  cut(): void {
    this.client.destroySoon();
    this.server.destroySoon();
  }

  reset(): void {
    reset(this.client);
    reset(this.server);
  }

  heal(): void {
    const flows = Object.entries(this.#flows) as [Direction, Flow][];
    if (flows.some(([, { mode }]) => mode === "drop")) this.reset();
    for (const [direction, flow] of flows) {
      flow.armed = undefined;
      if (flow.mode === "hold") this.release(direction);
      flow.mode = "pass";
    }
  }

  #follow(direction: Direction, latency: number): void {
    const flow = this.#flows[direction];
    const { from, to } = flow;
    // Errors end in `close`, which passes them on.
    from.on("error", () => {});
    from.on("data", (chunk: Buffer) => later(latency, () => this.#receive(direction, chunk)));
    from.on("end", () =>
      later(latency, () => {
        flow.ended = true;
        if (!isSilent(flow)) to.end();
        // A side that hears nothing would wait for the other to close too, and keep this half open.
        if (isSilent(this.#flows[direction === "request" ? "answer" : "request"])) from.destroy();
      }),
    );
    from.on("close", () => {
      if (!isSilent(flow)) later(latency, () => to.destroySoon());
      if (!to.destroyed) return;
      clearTimeout(this.#timer);
      this.#events.closed();
    });
  }

  #receive(direction: Direction, received: Buffer): void {
    const chunk = this.#events.received(direction, received);
    if (chunk === undefined) return;
    const flow = this.#flows[direction];
    const passing = bytesBeforeFault(flow, chunk.length);
    if (passing > 0) this.send(direction, chunk.subarray(0, passing));
    if (passing === chunk.length) return;
    const fault = flow.armed?.fault;
    flow.armed = undefined;
    if (fault !== undefined) this.#events.reached(fault);
    this.send(direction, chunk.subarray(passing));
  }
}

/** How much of a chunk passes before the armed fault begins; all of it if the fault begins later. */
function bytesBeforeFault({ armed }: Flow, length: number): number {
  if (armed === undefined) return length;
  if ("messages" in (armed.fault.after ?? {})) return armed.left-- > 0 ? length : 0;
  const passing = Math.min(armed.left, length);
  armed.left -= passing;
  return passing;
}

/** Whether the receiving side must not learn that the sending side is gone. */
function isSilent({ mode }: Flow): boolean {
  return mode === "hold" || mode === "drop";
}

function dial({ host, port }: Address, secure: tls.ConnectionOptions | undefined): Socket {
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
  return secure === undefined ? socket : tls.connect({ servername: "", ...secure, socket });
}

/** Neither TLS nor a connection that is still being opened can be reset. */
function reset(socket: Socket): void {
  if (socket.connecting || socket instanceof tls.TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

function later(milliseconds: number, action: () => void): void {
  if (milliseconds > 0) setTimeout(action, milliseconds);
  else action();
}

/** One piece per turn of the event loop, so that they do not arrive together. */
async function slice(chunk: Buffer, { from, to }: Flow): Promise<void> {
  const size = Math.ceil(chunk.length / 500);
  from.pause();
  for (let start = 0; start < chunk.length && to.writable; start += size) {
    to.write(chunk.subarray(start, start + size));
    await new Promise((resolve) => setImmediate(resolve));
  }
  from.resume();
}
