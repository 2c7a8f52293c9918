import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import * as tls from "node:tls";
import type { ConnectionFault, Direction } from "./connection-fault.js";

/** The TCP address of a server or a proxy. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface TcpProxyOptions {
  /** Delay of every byte, in milliseconds, separately for each direction. Default 0. */
  readonly latency?: Latency;
  /** TLS options for clients, with a certificate and a key. Default: the proxy does not use TLS with clients. */
  readonly clientTls?: tls.TlsOptions;
  /** TLS options for the server. Default: the proxy does not use TLS with the server. */
  readonly serverTls?: tls.ConnectionOptions;
}

/** Delays in milliseconds. */
type Latency = Readonly<Partial<Record<Direction, number>>>;

/** Counts since the proxy started. */
export interface ProxyCounts {
  /** Number of connections that clients have opened. */
  connections: number;
  /** Number of bytes received from clients, including bytes that the proxy did not forward. */
  requestBytes: number;
  /** Number of bytes received from the server, including bytes that the proxy did not forward. */
  answerBytes: number;
  /** Number of armed faults that have begun. */
  faults: number;
}

/** Receives every chunk before a fault affects it. Returns the bytes to forward, or `undefined` to forward none. */
export type Intercept = (chunk: Buffer, direction: Direction, connection: ProxiedConnection) => Buffer | undefined;

/** A proxy between clients and one server. It forwards bytes and injects connection faults. */
export class TcpProxy implements AsyncDisposable {
  readonly counts: ProxyCounts = { connections: 0, requestBytes: 0, answerBytes: 0, faults: 0 };
  /** The open connections, in the order in which clients opened them. */
  readonly connections: Set<ProxiedConnection> = new Set();
  /** Default: forwards every chunk unchanged. */
  intercept: Intercept = (chunk) => chunk;
  /** The proxy calls this function for each new connection, before any byte passes. */
  onConnection: (connection: ProxiedConnection) => void = () => {};
  readonly #server: Server;
  /** The sockets that clients have opened, including those whose TLS handshake has not ended. */
  readonly #accepted: Set<Socket> = new Set();
  #last: ProxiedConnection | undefined;
  #armed: { readonly fault: ConnectionFault; readonly onBegin: () => void } | undefined;
  /** A fault with scope `all` that has begun. */
  #lasting: ConnectionFault | undefined;
  #refusing = false;

  private constructor(target: Address, { latency = {}, clientTls, serverTls }: TcpProxyOptions) {
    const accept = (client: Socket): void => {
      this.counts.connections++;
      client.on("error", () => {});
      if (this.#refusing) reset(client);
      else this.#open(client, dial(target, serverTls), latency);
    };
    const options = { allowHalfOpen: true, noDelay: true };
    const server = clientTls ? tls.createServer({ ...options, ...clientTls }, accept) : createServer(options, accept);
    server.on("connection", (socket: Socket) => {
      this.#accepted.add(socket);
      socket.once("close", () => this.#accepted.delete(socket));
    });
    this.#server = server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  }

  /** Starts a proxy for the server at `target`, on a free port of 127.0.0.1. */
  static async start(target: Address, options: TcpProxyOptions = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, options);
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: this.port };
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The most recently opened connection, which may already be closed. Throws if no client has connected yet. */
  get last(): ProxiedConnection {
    if (this.#last === undefined) throw new Error("TcpProxy.last: no client has connected yet: connect a client first");
    return this.#last;
  }

  /** Returns `serverUrl` with the host and port replaced by the host and port of the proxy. */
  url(serverUrl: string): string {
    return Object.assign(new URL(serverUrl), { host: `127.0.0.1:${this.port}` }).href;
  }

  /** Arms a fault on open and new connections, in place of an armed one. Calls `onBegin` when the fault begins. */
  arm(fault: ConnectionFault, onBegin: () => void = () => {}): void {
    this.#armed = { fault, onBegin };
    for (const connection of this.connections) connection.arm(fault);
  }

  /** Disarms the fault if it has not begun. */
  disarm(): void {
    this.#armed = undefined;
  }

  /** Closes open connections and, until `heal()`, resets new ones, as if the server were down. */
  refuse(): void {
    this.#refusing = true;
    this.closeConnections();
  }

  /** Ends every fault and `refuse()`. Sends the bytes that the proxy holds, and resets connections that drop bytes. */
  heal(): void {
    this.#armed = undefined;
    this.#lasting = undefined;
    this.#refusing = false;
    for (const connection of [...this.connections]) connection.heal();
  }

  /** Closes all open connections immediately, without sending held bytes. Does not affect new connections. */
  closeConnections(): void {
    for (const { client, server } of [...this.connections]) for (const socket of [client, server]) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    for (const socket of this.#accepted) socket.destroy();
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #open(client: Socket, server: Socket, latency: Latency): void {
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

/** The events that a connection reports to its proxy. */
interface ConnectionEvents {
  /** Called when a chunk arrives. Returns the bytes to forward, or `undefined` to discard the chunk. */
  received(direction: Direction, chunk: Buffer): Buffer | undefined;
  /** Called when `fault.after` bytes or messages have passed, to begin the fault. */
  reached(fault: ConnectionFault): void;
  /** Called when both sockets of the connection are closed. */
  closed(): void;
}

/** The state of one direction of a connection. */
interface Flow {
  readonly from: Socket;
  readonly to: Socket;
  readonly held: Buffer[];
  mode: "pass" | "hold" | "drop" | "garble" | "slice";
  ended: boolean;
  armed?: { readonly fault: ConnectionFault; left: number } | undefined;
}

/** A client's connection to the proxy, and the proxy's connection to the server for this client. */
export class ProxiedConnection {
  readonly client: Socket;
  readonly server: Socket;
  readonly #flows: Readonly<Record<Direction, Flow>>;
  readonly #events: ConnectionEvents;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Socket, server: Socket, latency: Latency, events: ConnectionEvents) {
    this.client = client;
    this.server = server;
    this.#events = events;
    this.#flows = {
      request: { from: client, to: server, held: [], mode: "pass", ended: false },
      answer: { from: server, to: client, held: [], mode: "pass", ended: false },
    };
    for (const direction of ["request", "answer"] as const) this.#follow(direction, latency[direction] ?? 0);
  }

  /** Arms a fault of the proxy on this connection. Reports to the proxy when the fault must begin. */
  arm(fault: ConnectionFault): void {
    const { after = { bytes: 0 } } = fault;
    const left = "bytes" in after ? after.bytes : after.messages;
    this.#flows[fault.direction].armed = { fault, left };
  }

  /** Begins a fault immediately. */
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

  /** Holds the bytes of this direction until `release()`, `take()` or `heal()`. */
  hold(direction: Direction): void {
    this.#flows[direction].mode = "hold";
  }

  /** Discards all later bytes of this direction. */
  drop(direction: Direction): void {
    this.#flows[direction].mode = "drop";
  }

  /** Returns the number of held bytes of this direction. */
  waiting(direction: Direction): number {
    return this.#flows[direction].held.reduce((sum, { length }) => sum + length, 0);
  }

  /** Stops holding and sends the held bytes, even if the sender of these bytes has closed its connection. */
  release(direction: Direction): void {
    const flow = this.#flows[direction];
    for (const chunk of this.take(direction)) this.send(direction, chunk);
    if (flow.ended || flow.from.destroyed) flow.to.end();
  }

  /** Stops holding and returns the held bytes, which the caller can send with `send()`. */
  take(direction: Direction): readonly Buffer[] {
    const flow = this.#flows[direction];
    if (flow.mode === "hold") flow.mode = "pass";
    return flow.held.splice(0);
  }

  /** Sends bytes in this direction immediately. A fault that has begun affects them, but `intercept` is not called. */
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

  /** Closes both sides cleanly after all pending bytes are sent. Bytes that the proxy holds are not sent. */
  cut(): void {
    this.client.destroySoon();
    this.server.destroySoon();
  }

  /** Resets both sides with a TCP RST. A side that uses TLS, or is still connecting, is closed instead. */
  reset(): void {
    reset(this.client);
    reset(this.server);
  }

  /** Ends every fault on this connection. Sends the held bytes, or resets the connection if bytes were dropped. */
  heal(): void {
    clearTimeout(this.#timer);
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
    // Every error is followed by `close`, whose listener closes the other side.
    from.on("error", () => {});
    from.on("data", (chunk: Buffer) => later(latency, () => this.#receive(direction, chunk)));
    from.on("end", () =>
      later(latency, () => {
        flow.ended = true;
        if (!isSilent(flow)) to.end();
        // If the other direction is held or dropped, no event would close this socket, and it would stay half-open.
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

/** Returns how many bytes of a chunk pass before the armed fault begins: all bytes if the fault begins later. */
function bytesBeforeFault({ armed }: Flow, length: number): number {
  if (armed === undefined) return length;
  if ("messages" in (armed.fault.after ?? {})) return armed.left-- > 0 ? length : 0;
  const passing = Math.min(armed.left, length);
  armed.left -= passing;
  return passing;
}

/** Returns whether the proxy hides from the receiving side that the sending side has closed its connection. */
function isSilent({ mode }: Flow): boolean {
  return mode === "hold" || mode === "drop";
}

function dial({ host, port }: Address, secure: tls.ConnectionOptions | undefined): Socket {
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
  return secure === undefined ? socket : tls.connect({ servername: "", ...secure, socket });
}

/** Resets a socket. A socket that uses TLS or is still connecting cannot be reset, and is destroyed instead. */
function reset(socket: Socket): void {
  if (socket.connecting || socket instanceof tls.TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

function later(milliseconds: number, action: () => void): void {
  if (milliseconds > 0) setTimeout(action, milliseconds);
  else action();
}

/** Writes a chunk in up to 500 pieces, one per event loop iteration, so that the pieces do not arrive together. */
async function slice(chunk: Buffer, { from, to }: Flow): Promise<void> {
  const size = Math.ceil(chunk.length / 500);
  from.pause();
  for (let start = 0; start < chunk.length && to.writable; start += size) {
    to.write(chunk.subarray(start, start + size));
    await new Promise((resolve) => setImmediate(resolve));
  }
  from.resume();
}
