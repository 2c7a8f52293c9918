import { type ConnectionFault, describeConnectionFault } from "./connection-fault.js";
import { type Address, TcpProxy, type TcpProxyOptions } from "./tcp-proxy.js";

/** One TCP proxy in front of each server of a backend. */
export class ProxySet implements AsyncDisposable {
  /** Receives each fault of all proxies, in words. */
  onFault: (what: string) => void = () => {};
  readonly #proxies: ReadonlyMap<string, TcpProxy>;

  private constructor(proxies: ReadonlyMap<string, TcpProxy>) {
    this.#proxies = proxies;
  }

  /** Starts one proxy for each server, on a free port of 127.0.0.1. `options` applies to every proxy. */
  static async start(servers: readonly Address[], options?: TcpProxyOptions): Promise<ProxySet> {
    const proxies = new Map<string, TcpProxy>();
    const set = new ProxySet(proxies);
    try {
      for (const server of servers) proxies.set(keyOf(server), await TcpProxy.start(server, options));
    } catch (error) {
      await set[Symbol.asyncDispose]();
      throw error;
    }
    return set;
  }

  /** The proxies, in the order of the servers. */
  get all(): readonly TcpProxy[] {
    return [...this.#proxies.values()];
  }

  /** Returns the address of the proxy in front of a server. Throws if the set has no proxy for this server. */
  readonly route = (server: Address): Address => {
    const proxy = this.#proxies.get(keyOf(server));
    if (proxy !== undefined) return proxy.address;
    throw new Error(`ProxySet.route: ${keyOf(server)} is not among the servers of this set: pass it to ProxySet.start`);
  };

  /** Total number of connections that clients have opened to the proxies of the set. */
  get connections(): number {
    return this.all.reduce((sum, { counts }) => sum + counts.connections, 0);
  }

  /** Total number of armed faults that have begun on the proxies of the set. */
  get faults(): number {
    return this.all.reduce((sum, { counts }) => sum + counts.faults, 0);
  }

  /** Arms a fault on every proxy. With `firstOnly`, when the fault begins on one proxy, the set disarms the others. */
  arm(fault: ConnectionFault, { firstOnly = false }: { readonly firstOnly?: boolean } = {}): void {
    this.onFault(describeConnectionFault(fault));
    for (const proxy of this.all)
      proxy.arm(fault, () => {
        if (firstOnly) for (const other of this.all) if (other !== proxy) other.disarm();
      });
  }

  /** Closes open connections on every proxy and, until `heal()`, resets new ones, as if the servers were down. */
  refuse(): void {
    this.onFault("the proxies close every connection and refuse new ones");
    for (const proxy of this.all) proxy.refuse();
  }

  /** Ends every fault and `refuse()` on every proxy, as `TcpProxy.heal()` does on one. */
  heal(): void {
    for (const proxy of this.all) proxy.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((proxy) => proxy[Symbol.asyncDispose]()));
  }
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
