import { accessSync, constants } from "node:fs";
import type { ServerAddress } from "@manykv/core/driver";
import type { Pool } from "pg";
import { refuse } from "../options.js";
import { type Host, hostOf, readHosts } from "./hosts.js";

/** Which servers the store may use: https://www.postgresql.org/docs/current/libpq-connect.html */
export type SessionAttributes = "any" | "read-write" | "primary";
export type ChannelBinding = "disable" | "prefer" | "require";

/** What a connection URL says. */
export interface ConnectionSettings {
  readonly table: string;
  /** At least one. */
  readonly hosts: readonly Host[];
  /** The address of the first host. */
  readonly server: ServerAddress;
  /** `undefined` if the URL has one host and no `target_session_attrs`. */
  readonly sessionAttributes: SessionAttributes | undefined;
  readonly channelBinding: ChannelBinding;
  /** Maximum number of connections. */
  readonly max: number;
  readonly prepare: boolean;
  readonly hasPassword: boolean;
  /** Time limit for opening a connection or waiting for a free one, in milliseconds. */
  readonly connectTimeout: number;
  readonly keepAlive: boolean;
  /** Time without traffic after which the system checks the connection, in milliseconds. 0: the system's default. */
  readonly keepAliveDelay: number;
  /** Returns the URL for pg that connects to one of the hosts. */
  connectionString(host: Host): string;
}

/** URL parameters whose values are file names. */
const fileParameters = ["sslcert", "sslkey", "sslrootcert"];
/**
 * URL parameters for pg: timeouts of the server, options of pg (`ssl`, `uselibpqcompat`), and parameters of libpq:
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */
const pgParameters: readonly string[] = [
  ...fileParameters,
  ..."application_name fallback_application_name idle_in_transaction_session_timeout lock_timeout options".split(" "),
  ..."ssl sslmode sslnegotiation statement_timeout uselibpqcompat".split(" "),
];

/** Parameters that manykv reads. */
const ownParameters =
  "channel_binding connect_timeout host keepalives keepalives_idle max pgbouncer port prepare table target_session_attrs".split(
    " ",
  );

/** Parameters that manykv accepts only with values that describe what it does anyway. */
const impliedValues: Readonly<Record<string, readonly string[]>> = {
  client_encoding: ["utf8", "UTF8", "utf-8", "UTF-8", "auto"],
  gssencmode: ["disable", "prefer"],
  load_balance_hosts: ["disable"],
  sslcompression: ["0"],
  sslsni: ["1"],
};

/** The values of each parameter that has only a few. */
const knownValues: Readonly<Record<string, readonly string[]>> = {
  ...impliedValues,
  channel_binding: ["disable", "prefer", "require"],
  keepalives: ["0", "1"],
  pgbouncer: ["true", "false"],
  prepare: ["true", "false"],
  // pg would use TLS for any other value, also for `false` and `off`.
  ssl: ["true", "1", "0", "no-verify"],
  sslmode: ["disable", "no-verify", "prefer", "require", "verify-ca", "verify-full"],
  sslnegotiation: ["postgres", "direct"],
  target_session_attrs: ["any", "read-write", "primary"],
  uselibpqcompat: ["true", "false"],
};

const known: ReadonlySet<string> = new Set([...pgParameters, ...ownParameters, ...Object.keys(impliedValues)]);

const writeInAddress = "write it before the parameters: postgres://user:password@host:port/database";
const cannotSet = "Node.js cannot set it, so remove it";

/** What to use instead of parameters of other clients. */
const advice: Readonly<Record<string, string>> = {
  connection_limit: "use `max`",
  currentSchema: "use `table=schema.name`",
  dbname: writeInAddress,
  hostaddr: "use `host`",
  keepalives_count: cannotSet,
  keepalives_interval: cannotSet,
  password: writeInAddress,
  pool_timeout: "use `connect_timeout`",
  query_timeout: "use the option `timeout`",
  requiressl: "use `sslmode`",
  schema: "use `table=schema.name`",
  search_path: "use `table=schema.name`",
  tcp_user_timeout: cannotSet,
  user: writeInAddress,
};

/** Default time limit for opening a connection or waiting for a free one, in seconds. */
const defaultConnectTimeout = 5;
/** Default of `max`. By default, a server accepts 100 connections from all clients. */
const defaultMax = 10;

/**
 * Reads a connection URL. For missing parts, pg uses libpq's environment variables, such as `PGUSER`.
 *
 * @throws {StoreError} `invalid-argument`. The message contains no part of the URL except a parameter name.
 */
export function readConnectionUrl(text: unknown): ConnectionSettings {
  const { user, password, address, database, search } = split(text);
  const parameters = readParameters(search);
  const get = (name: string): string | undefined => parameters.get(name) ?? undefined;
  const [host, ports] = [get("host"), get("port")];
  // As in libpq, the parameter `host` replaces the hosts of the address, but not their ports.
  const hosts = host === undefined ? readHosts(address, ports) : readHosts(host, ports ?? portsOf(readHosts(address)));
  const attributes = get("target_session_attrs") as SessionAttributes | undefined;
  const forPg = pgParameters.flatMap((name) => parameters.getAll(name).map((value): [string, string] => [name, value]));
  return {
    table: get("table") ?? "manykv",
    hosts,
    server: serverAt(hosts[0] as Host),
    sessionAttributes: attributes ?? (hosts.length > 1 ? "read-write" : undefined),
    channelBinding: (get("channel_binding") ?? "disable") as ChannelBinding,
    max: wholeNumber("max", get("max"), [1, 10_000], defaultMax),
    prepare: get("prepare") !== "false" && get("pgbouncer") !== "true",
    hasPassword: password !== "",
    connectTimeout: wholeNumber("connect_timeout", get("connect_timeout"), [1, 999_999], defaultConnectTimeout) * 1_000,
    keepAlive: get("keepalives") !== "0",
    keepAliveDelay: wholeNumber("keepalives_idle", get("keepalives_idle"), [0, 999_999], 0) * 1_000,
    connectionString: ({ address: host, port }) => {
      const all = new URLSearchParams(forPg);
      // pg cannot parse an address that has a user but no host, or whose host is a folder. So pass parameters instead.
      for (const [name, value] of Object.entries({ user, password, host, port }))
        if (value !== "") all.set(name, value);
      return `postgres:///${database}?${all}`;
    },
  };
}

function portsOf(hosts: readonly Host[]): string {
  return hosts.map(({ port }) => port).join(",");
}

/** Returns the server address from the pool's options and the environment, or `undefined` if the URL is invalid. */
export function serverOfPool({ options }: Pool): ServerAddress | undefined {
  const { connectionString, host = "", port = "" } = options ?? {};
  if (connectionString === undefined) return serverAt({ address: host, port: `${port}` });
  try {
    const url = new URL(connectionString);
    return serverAt(hostOf(url.searchParams.get("host") ?? url.hostname, url.port));
  } catch {
    return undefined;
  }
}

/** Returns the address of a host. libpq's environment variables replace missing parts. */
function serverAt({ address, port }: Host): ServerAddress {
  const { PGHOST = "localhost", PGPORT = "5432" } = process.env;
  return { address: address === "" ? PGHOST : address, port: Number(port === "" ? PGPORT : port) };
}

/** The parts of a URL. `database` and `search` are still percent-encoded. */
interface Parts {
  readonly user: string;
  readonly password: string;
  readonly address: string;
  readonly database: string;
  readonly search: string;
}

/** Splits the URL. The class `URL` cannot parse several hosts. */
function split(text: unknown): Parts {
  const match = typeof text === "string" ? /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(.*)$/is.exec(text) : null;
  if (match === null) throw refuse("`url` must be a URL that starts with postgres:// or postgresql://");
  const [, authority = "", database = "", search = ""] = match;
  // The text after / ? or # may be the rest of a password, which must not appear in an error as a parameter name.
  if (`${database}${search}`.includes("@")) {
    throw refuse(
      "`url` has @ after / ? or #: in the user name and password, write @ as %40, / as %2F, ? as %3F and # as %23",
    );
  }
  const at = authority.lastIndexOf("@");
  const [, user = "", password = ""] = /^([^:]*):?(.*)$/s.exec(authority.slice(0, Math.max(at, 0))) ?? [];
  try {
    decodeURI(database);
    const [decodedUser, decodedPassword] = [decodeURIComponent(user), decodeURIComponent(password)];
    return { user: decodedUser, password: decodedPassword, address: authority.slice(at + 1), database, search };
  } catch {
    throw refuse("`url` has invalid percent-encoding: write % as %25");
  }
}

/** Parses and checks the parameters. pg would check some of them only when it connects. */
function readParameters(search: string): URLSearchParams {
  const parameters = new URLSearchParams(search.replace(/#.*$/s, ""));
  for (const name of parameters.keys()) {
    if (!known.has(name)) {
      const instead = advice[name];
      if (instead !== undefined) throw refuse(`\`url\` must not have the parameter \`${name}\`: ${instead}`);
      throw refuse(`\`url\` has an unknown parameter \`${name}\`: remove it`);
    }
    if (parameters.getAll(name).length > 1) throw refuse(`\`url\` repeats the parameter \`${name}\`: keep one`);
  }
  if (parameters.get("ssl") === "false") parameters.set("ssl", "0");
  for (const [name, value] of parameters) {
    const values = knownValues[name];
    if (values !== undefined && !values.includes(value)) {
      throw refuse(`\`${name}\` in \`url\` must be ${values.join(" or ")}`);
    }
  }
  useSystemCertificates(parameters);
  for (const name of fileParameters) {
    try {
      if (parameters.get(name)) accessSync(parameters.get(name) as string, constants.R_OK);
    } catch {
      throw refuse(`\`${name}\` in \`url\` must name a file that exists and that the process can read`);
    }
  }
  return parameters;
}

/** Handles `sslrootcert=system`, with which libpq trusts the certificate authorities of the system. */
function useSystemCertificates(parameters: URLSearchParams): void {
  if (parameters.get("sslrootcert") !== "system") return;
  if ((parameters.get("sslmode") ?? "verify-full") !== "verify-full") {
    throw refuse("`sslrootcert=system` in `url` requires `sslmode=verify-full`");
  }
  parameters.delete("sslrootcert");
  parameters.set("sslmode", "verify-full");
}

function wholeNumber(name: string, text: string | undefined, [least, most]: [number, number], or: number): number {
  if (text === undefined) return or;
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw refuse(`\`${name}\` in \`url\` must be a whole number from ${least} to ${most}`);
}
