import http, { type AgentOptions, type ClientRequest, type ClientRequestArgs } from "node:http";
import https from "node:https";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { clearTimer, setTimer } from "@manykv/core/driver";
import { refusal } from "../error-table.js";

/** Calls back with a connection, as Node.js expects it from an agent. */
type Connected = (error: Error | null, socket?: Duplex) => void;
type Target = ClientRequestArgs & tls.ConnectionOptions;

/** The agents of a client that manykv creates. They use the proxies that the environment names. */
export interface Agents {
  readonly httpAgent: http.Agent | AgentOptions;
  readonly httpsAgent: https.Agent | AgentOptions;
}

/**
 * Creates agents that use the proxies in `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, or in the same variables in lower
 * case. Node.js and the SDK ignore these variables unless a program opts in.
 *
 * @throws {FaultError} `invalid-argument` if a variable contains no URL of an HTTP proxy.
 */
export function createAgents(options: AgentOptions, connectTimeout: number, environment: NodeJS.ProcessEnv): Agents {
  const agentOptions = { keepAlive: true, ...options };
  const httpProxy = proxyIn(environment, "HTTP_PROXY");
  const httpsProxy = proxyIn(environment, "HTTPS_PROXY");
  const exceptions = (environment["NO_PROXY"] || environment["no_proxy"] || "").split(/[\s,]+/).filter(Boolean);
  const isDirect = (target: Target): boolean => isException(target, exceptions);
  return {
    httpAgent: httpProxy === undefined ? options : new ForwardingAgent(agentOptions, httpProxy, isDirect),
    httpsAgent:
      httpsProxy === undefined ? options : new TunnelingAgent(agentOptions, httpsProxy, isDirect, connectTimeout),
  };
}

function proxyIn(environment: NodeJS.ProcessEnv, name: string): URL | undefined {
  const text = environment[name] || environment[name.toLowerCase()];
  if (text === undefined || text === "") return undefined;
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  try {
    const proxy = new URL(url);
    credentialsOf(proxy);
    if (/^https?:$/.test(proxy.protocol)) return proxy;
  } catch {
    // The URL is malformed, or the percent-encoding of its user or password is.
  }
  throw refusal("invalid-argument", `the environment variable ${name} must be a URL such as http://proxy:3128`);
}

/** Returns whether a target is in a list such as `localhost,.internal,10.0.0.1:8000`, or the list contains `*`. */
function isException({ host, port }: Target, exceptions: readonly string[]): boolean {
  const name = `${host}`.toLowerCase();
  return exceptions.some((exception) => {
    const [, suffix = "", onlyPort] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(exception.toLowerCase()) ?? [];
    if (onlyPort !== undefined && onlyPort !== String(port)) return false;
    return exception === "*" || name === suffix || name.endsWith(`.${suffix}`);
  });
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` };
}

function addressOf(proxy: URL): { host: string; port: number; servername: string } {
  const host = proxy.hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    host,
    port: Number(proxy.port || (proxy.protocol === "https:" ? 443 : 80)),
    servername: net.isIP(host) ? "" : host,
  };
}

/** Sends requests for http:// endpoints to the proxy. */
class ForwardingAgent extends http.Agent {
  readonly #proxy: URL;
  readonly #isDirect: (target: Target) => boolean;

  constructor(options: AgentOptions, proxy: URL, isDirect: (target: Target) => boolean) {
    super(options);
    this.#proxy = proxy;
    this.#isDirect = isDirect;
  }

  // Node.js calls this method before it writes the request line. It is not in the types.
  addRequest(request: ClientRequest, target: Target): void {
    if (!this.#isDirect(target)) {
      request.path = `http://${request.getHeader("host")}${request.path}`;
      for (const [name, value] of Object.entries(credentialsOf(this.#proxy))) request.setHeader(name, value);
    }
    const { addRequest } = http.Agent.prototype as unknown as { addRequest: ForwardingAgent["addRequest"] };
    addRequest.call(this, request, target);
  }

  override createConnection(target: Target, connected: Connected): Duplex | null | undefined {
    if (this.#isDirect(target)) return super.createConnection(target, connected);
    const address = addressOf(this.#proxy);
    return this.#proxy.protocol === "https:" ? tls.connect(address) : net.connect(address);
  }
}

/** Connects to https:// endpoints through a tunnel, so that the proxy cannot read the requests. */
class TunnelingAgent extends https.Agent {
  readonly #proxy: URL;
  readonly #isDirect: (target: Target) => boolean;
  readonly #connectTimeout: number;
  readonly #opening: Set<{ destroy(): unknown }> = new Set();

  constructor(options: AgentOptions, proxy: URL, isDirect: (target: Target) => boolean, connectTimeout: number) {
    super(options);
    this.#proxy = proxy;
    this.#isDirect = isDirect;
    this.#connectTimeout = connectTimeout;
  }

  override createConnection(target: Target, connected: Connected): Duplex | null | undefined {
    if (this.#isDirect(target)) return super.createConnection(target, connected);
    this.#openTunnel(target).then((socket) => connected(null, socket), connected);
    return undefined;
  }

  override destroy(): void {
    for (const each of this.#opening) each.destroy();
    super.destroy();
  }

  async #openTunnel(target: Target): Promise<Duplex> {
    const host = net.isIPv6(`${target.host}`) ? `[${target.host}]` : target.host;
    const path = `${host}:${target.port}`;
    const headers = { host: path, ...credentialsOf(this.#proxy) };
    const { request } = this.#proxy.protocol === "https:" ? https : http;
    const connect = request({ ...addressOf(this.#proxy), method: "CONNECT", path, headers, agent: false });
    const socket = await this.#inTime(connect, (resolve, reject) => {
      connect.once("connect", (response, tunnel: net.Socket) => {
        if (response.statusCode === 200) return resolve(tunnel);
        tunnel.destroy();
        reject(refusedTunnel(response.statusCode));
      });
      connect.once("response", ({ statusCode }) => reject(refusedTunnel(statusCode)));
      connect.end();
    });
    const { host: _, port, path: __, ...options } = target;
    const secure = tls.connect({ ...options, socket: socket as net.Socket });
    return this.#inTime(secure, (resolve) => secure.once("secureConnect", () => resolve(secure)));
  }

  /** Waits until `subject` is connected. Destroys it if that takes too long, or if the agent is destroyed. */
  #inTime(
    subject: ClientRequest | tls.TLSSocket,
    wait: (resolve: (socket: Duplex) => void, reject: (error: Error) => void) => void,
  ): Promise<Duplex> {
    return new Promise<Duplex>((resolve, reject) => {
      const timer = setTimer(() => subject.destroy(notConnected("TimeoutError")), this.#connectTimeout);
      const opened = { destroy: () => subject.destroy(notConnected("Error")) };
      this.#opening.add(opened);
      const settle = (): void => {
        clearTimer(timer);
        this.#opening.delete(opened);
      };
      subject.on("error", (error: NodeJS.ErrnoException) => {
        // An error after the connection is open says nothing about connecting.
        if (!this.#opening.has(opened)) return;
        settle();
        reject(Object.assign(error, { syscall: "connect" }));
      });
      wait(
        (socket) => {
          settle();
          resolve(socket);
        },
        (error) => {
          settle();
          reject(error);
          subject.destroy();
        },
      );
    });
  }
}

function notConnected(name: string): Error {
  return Object.assign(new Error("the tunnel through the proxy was not opened"), { name, syscall: "connect" });
}

/** Returns the error for a proxy that refuses a tunnel. The code is the one that Node.js uses. */
function refusedTunnel(status: number | undefined): Error {
  if (status === 407) return refusal("access-denied", "the proxy needs a user and password: add them to its URL");
  if (status === 403) return refusal("access-denied", "the proxy refuses connections to the endpoint");
  return Object.assign(notConnected("Error"), { code: "ERR_PROXY_TUNNEL" });
}
