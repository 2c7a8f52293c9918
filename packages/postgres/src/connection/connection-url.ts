import { accessSync, constants } from "node:fs";
import type { ServerAddress } from "@manykv/core/driver";
import type { Pool, PoolConfig } from "pg";
import { refuse } from "../options.js";

/** URL parameters whose values are file names. */
const fileParameters = ["sslcert", "sslkey", "sslrootcert"];
/**
 * URL parameters for pg: timeouts of the server, options of pg (`ssl`, `uselibpqcompat`), and parameters of libpq:
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */
const pgParameters: ReadonlySet<string> = new Set([
  ...fileParameters,
  ..."application_name host idle_in_transaction_session_timeout lock_timeout options statement_timeout".split(" "),
  ..."ssl sslmode sslnegotiation uselibpqcompat".split(" "),
]);
const ownParameters: ReadonlySet<string> = new Set(["table", "connect_timeout"]);

/** Default time limit for opening a connection or waiting for a free one, in milliseconds. */
const defaultConnectTimeout = 5_000;

/**
 * Reads a connection URL. For missing parts, pg uses libpq's environment variables, such as `PGUSER`.
 *
 * @throws {StoreError} `invalid-argument`. The message contains no part of the URL except a parameter name.
 */
export function readConnectionUrl(text: unknown): { table: string; server: ServerAddress; config: PoolConfig } {
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw refuse("`url` must be a URL that starts with postgres:// or postgresql://");
  }
  const { searchParams } = url;
  // The text after ? or # may be the rest of a password, which must not appear in an error as a parameter name.
  if (`${url.search}${url.hash}`.includes("@")) {
    throw refuse("`url` has @ after ? or #: in the user name and password, write @ as %40, ? as %3F and # as %23");
  }
  for (const name of searchParams.keys()) {
    if (!pgParameters.has(name) && !ownParameters.has(name))
      throw refuse(`\`url\` has an unknown parameter \`${name}\`: remove it`);
    if (searchParams.getAll(name).length > 1) throw refuse(`\`url\` repeats the parameter \`${name}\`: keep one`);
  }
  checkConfig(url);
  const server = serverAt(searchParams.get("host") ?? decodeURIComponent(url.hostname), url.port);
  const table = searchParams.get("table") ?? "manykv";
  const connectionTimeoutMillis = connectTimeout(searchParams.get("connect_timeout"));
  for (const name of ownParameters) searchParams.delete(name);
  const config = { connectionString: url.href, fallback_application_name: "manykv", connectionTimeoutMillis };
  return { table, server, config };
}

/** Returns the server address from the pool's options and the environment, or `undefined` if the URL is invalid. */
export function serverOfPool({ options }: Pool): ServerAddress | undefined {
  const { connectionString, host = "", port = "" } = options ?? {};
  if (connectionString === undefined) return serverAt(host, port);
  if (!URL.canParse(connectionString)) return undefined;
  const url = new URL(connectionString);
  return serverAt(url.searchParams.get("host") ?? url.hostname, url.port);
}

function serverAt(host: string, port: string | number): ServerAddress {
  const { PGHOST = "localhost", PGPORT = "5432" } = process.env;
  return { address: host === "" ? PGHOST : host, port: Number(port === "" ? PGPORT : port) };
}

/** Returns `connect_timeout` in milliseconds, or the default if it is missing. Rejects 0 (in libpq: no timeout). */
function connectTimeout(seconds: string | null): number {
  if (seconds === null) return defaultConnectTimeout;
  if (/^[1-9][0-9]{0,5}$/.test(seconds)) return Number(seconds) * 1_000;
  throw refuse("`connect_timeout` in `url` must be a whole number of seconds from 1 to 999999");
}

/** Checks parts of the URL that pg would check only when it connects. */
function checkConfig({ username, password, hostname, pathname, searchParams }: URL): void {
  try {
    for (const part of [username, password, hostname]) decodeURIComponent(part);
    decodeURI(pathname);
  } catch {
    throw refuse("`url` has invalid percent-encoding: write % as %25");
  }
  if (!["postgres", "direct", null].includes(searchParams.get("sslnegotiation"))) {
    throw refuse("`sslnegotiation` in `url` must be postgres or direct");
  }
  for (const name of fileParameters) {
    try {
      if (searchParams.get(name)) accessSync(searchParams.get(name) as string, constants.R_OK);
    } catch {
      throw refuse(`\`${name}\` in \`url\` must name a file that exists and that the process can read`);
    }
  }
}
