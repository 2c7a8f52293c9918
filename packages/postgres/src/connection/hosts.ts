import { refuse } from "../options.js";

/** Where a server listens. An empty part means libpq's environment variable or default. */
export interface Host {
  /** A host name, an IP address without brackets, or the folder of a Unix socket, which starts with `/`. */
  readonly address: string;
  readonly port: string;
}

/**
 * Reads hosts in the syntax of libpq: `host:port,host:port`, with IPv6 addresses in brackets. `ports` is the parameter
 * `port`. It contains one port for all hosts or one for each, and replaces the ports in `text`.
 *
 * @throws {StoreError} `invalid-argument` if a host or a port is invalid.
 */
export function readHosts(text: string, ports?: string): readonly Host[] {
  const hosts = text.split(",").map((host) => split(host));
  if (ports === undefined) return hosts;
  const list = ports.split(",");
  if (list.length !== 1 && list.length !== hosts.length) {
    throw refuse("`url` must have one port for all hosts in its parameter `host`, or one for each");
  }
  return hosts.map(({ address }, index) => hostOf(address, list[list.length === 1 ? 0 : index] as string));
}

function split(text: string): Host {
  // An IPv6 address without brackets, as in the parameter `host`, has at least two colons.
  const [, address = text, port = ""] = /^(\[[^\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(text) ?? [];
  return hostOf(address, port);
}

/** Returns a host. Removes percent-encoding, and the brackets of an IPv6 address. */
export function hostOf(address: string, port: string): Host {
  if (!/^[0-9]{0,5}$/.test(port) || Number(port) > 65_535 || port === "0") {
    throw refuse(
      "`url` has an invalid port: it must have the form postgres://user:password@host:port/database. " +
        "If the password contains / ? or #, write %2F, %3F or %23",
    );
  }
  try {
    return { address: decodeURIComponent(address).replace(/^\[(.*)\]$/, "$1"), port };
  } catch {
    throw refuse("`url` has invalid percent-encoding: write % as %25");
  }
}

/**
 * The host that the next connection tries. Unlike libpq, which always starts with the first host, this stays with a host
 * that works, so that all connections of a store use the same server.
 */
export class HostRotation {
  readonly #hosts: readonly Host[];
  #index = 0;

  constructor(hosts: readonly Host[]) {
    this.#hosts = hosts;
  }

  get current(): Host {
    return this.#hosts[this.#index] as Host;
  }

  /** Moves on to the next host, unless another connection has already done so. */
  failed(host: Host): void {
    if (host === this.current) this.#index = (this.#index + 1) % this.#hosts.length;
  }
}
