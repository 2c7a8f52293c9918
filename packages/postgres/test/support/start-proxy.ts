import { TcpProxy } from "@manykv/conformance/faults";

/** Starts a proxy in front of the server of a `postgres://` URL. */
export function startProxy(serverUrl: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(serverUrl);
  return TcpProxy.start({ host: hostname, port: Number(port || 5432) });
}
