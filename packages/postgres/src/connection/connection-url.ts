import pg, { type PoolConfig } from "pg";
import { refuse } from "../options.js";

/** What a URL says. */
export interface ConnectionUrl {
  readonly table: string | undefined;
  readonly config: PoolConfig;
}

/**
 * Parameters that go on to pg, with their meaning in libpq:
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */
const passedOn: ReadonlySet<string> = new Set([
  "application_name",
  "host",
  "idle_in_transaction_session_timeout",
  "lock_timeout",
  "options",
  "ssl",
  "sslcert",
  "sslkey",
  "sslmode",
  "sslnegotiation",
  "sslrootcert",
  "statement_timeout",
  "uselibpqcompat",
]);
const ownParameters: ReadonlySet<string> = new Set(["table", "connect_timeout"]);

/** How long connecting may take, or waiting for a connection that is in use, in milliseconds. */
const defaultConnectTimeout = 5_000;

/**
 * Reads a URL. What it does not say comes from libpq's environment variables (`PGUSER` and so on), as pg does it.
 *
 * @throws {StoreError} `invalid-argument`; the message holds nothing of the URL but the name of a parameter.
 */
export function readConnectionUrl(text: unknown): ConnectionUrl {
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw refuse("`url` is not a URL that starts with postgres:// or postgresql://");
  }
  const { searchParams } = url;
  // It may be the rest of a password, which must not be shown as the name of a parameter.
  if (`${url.search}${url.hash}`.includes("@")) {
    throw refuse("`url` has an @ after a ? or #: write them %40, %3F and %23");
  }
  for (const name of searchParams.keys()) {
    if (!passedOn.has(name) && !ownParameters.has(name))
      throw refuse(`\`url\` has an unknown parameter \`${name}\``);
    if (searchParams.getAll(name).length > 1) throw refuse(`\`url\` has the parameter \`${name}\` twice`);
  }
  const table = searchParams.get("table") ?? undefined;
  const connectionTimeoutMillis = connectTimeout(searchParams.get("connect_timeout"));
  for (const name of ownParameters) searchParams.delete(name);
  const config = { connectionString: url.href, fallback_application_name: "manykv", connectionTimeoutMillis };
  checkConfig(config);
  return { table, config };
}

/** libpq's is in seconds, and 0 there means for ever. */
function connectTimeout(seconds: string | null): number {
  if (seconds === null) return defaultConnectTimeout;
  if (/^[1-9][0-9]{0,5}$/.test(seconds)) return Number(seconds) * 1_000;
  throw refuse("`connect_timeout` in `url` is not a number of seconds from 1 on");
}

/** pg reads the URL and the files that it names only when it connects: better now. */
function checkConfig(config: PoolConfig): void {
  try {
    new pg.Client(config);
  } catch {
    throw refuse(
      "`url` cannot be used: check its percent-encoding, `sslnegotiation`, and the files that it names",
    );
  }
}
