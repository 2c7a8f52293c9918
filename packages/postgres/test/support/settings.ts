import type { InvalidSetting, Variant } from "@manykv/conformance";
import type { Driver } from "@manykv/core/driver";
import { closing, startUnixRelay } from "@manykv/test-services";
import pg from "pg";
import { type PostgresDriverOptions, postgresDriver } from "../../src/index.js";
import { addressOf } from "./address-of.js";
import type { TestTable } from "./test-table.js";

/** Other clients of a table. */
export function variantsOf({ url, name: table }: TestTable): readonly Variant[] {
  const server = new URL(url);
  const password = decodeURIComponent(server.password);
  const changed = (change: Partial<URL>): string => Object.assign(new URL(url), change).href;
  const withParameters = (parameters: string): Variant => {
    return { what: parameters, driver: () => postgresDriver({ url: `${url}?${parameters}&table=${table}` }) };
  };
  return [
    ...["max=1", "prepare=false", "pgbouncer=true", "sslmode=disable", "target_session_attrs=primary"].map(
      withParameters,
    ),
    ...["connect_timeout=5", "keepalives=0", "keepalives_idle=30", "application_name=mine"].map(withParameters),
    ...["fallback_application_name=mine", "options=-c%20statement_timeout%3D60000"].map(withParameters),
    { what: "the option `prepare`", driver: () => postgresDriver({ url, table, prepare: false }) },
    {
      what: "the scheme postgresql:",
      driver: () => postgresDriver({ url: changed({ protocol: "postgresql:" }), table }),
    },
    {
      what: "a table with its schema",
      driver: () => postgresDriver({ url, table: `public.${table}` }),
    },
    {
      what: "a function that returns the password",
      driver: () => postgresDriver({ url: changed({ password: "" }), table, password: async () => password }),
    },
    ...["", "&sslmode=disable"].map((parameters): Variant => {
      return {
        what: `a Unix socket${parameters}`,
        driver: async () => {
          const relay = await startUnixRelay(addressOf(url), ".s.PGSQL.5432");
          const socketUrl = `${url.replace(server.host, "")}?host=${encodeURIComponent(relay.folder)}${parameters}`;
          return closing(postgresDriver({ url: socketUrl, table }), () => relay[Symbol.asyncDispose]());
        },
      };
    }),
    {
      what: "a function whose first password has expired",
      driver: () => {
        const expiredPasswords = ["expired"];
        return postgresDriver({
          url: changed({ password: "" }),
          table,
          password: async () => expiredPasswords.pop() ?? password,
        });
      },
    },
    {
      what: "several hosts, of which one does not answer",
      driver: () => postgresDriver({ url: url.replace(server.host, `127.0.0.1:1,${server.host}`), table }),
    },
    ...[
      `host=${server.hostname}&port=${server.port}`,
      `host=${server.hostname}:1&port=${server.port}`,
      `host=${server.hostname},${server.hostname}&port=1,${server.port}`,
      `host=${server.hostname},${server.hostname}&port=${server.port}`,
    ].map((parameters): Variant => {
      const withoutHost = url.replace(server.host, "");
      return { what: parameters, driver: () => postgresDriver({ url: `${withoutHost}?${parameters}`, table }) };
    }),
    {
      what: "several hosts, of which one must accept writes",
      driver: () =>
        postgresDriver({
          url: `${url.replace(server.host, `${server.host},127.0.0.1:1`)}?target_session_attrs=read-write`,
          table,
        }),
    },
    { what: "a pool", driver: () => withPool({}, { table }) },
    {
      what: "a pool with one client, without prepared statements",
      driver: () => withPool({ max: 1 }, { table, prepare: false }),
    },
  ];

  function withPool(settings: pg.PoolConfig, options: PostgresDriverOptions): Driver {
    const pool = new pg.Pool({ connectionString: url, ...settings });
    return closing(postgresDriver({ ...options, pool }), () => pool.ended || pool.end());
  }
}

const wrongUrls: Readonly<Record<string, (password: string) => string>> = {
  "no scheme": (password) => password,
  "another scheme": (password) => `mysql://user:${password}@localhost/db`,
  "a port that is not a number": (password) => `postgres://user:${password}@localhost:port/db`,
  "port 0": (password) => `postgres://user:${password}@localhost:0/db`,
  "a / in the password": (password) => `postgres://user:1/${password}@localhost/db`,
  "a ? in the password": (password) => `postgres://user:1?${password}@localhost/db`,
  "a # in the password": (password) => `postgres://user:1#${password}@localhost/db`,
  "invalid percent-encoding": (password) => `postgres://user:%E0%A4@localhost/${password}`,
};

const wrongParameters = [
  ...["supa=1", "poolsize=1", "table=a&table=b", "connect_timeout=soon", "connect_timeout=0", "connection_limit=1"],
  ...["schema=a", "hostaddr=10.0.0.1", "keepalives_interval=5", "user=me", "dbname=db", "max=0", "max=many"],
  ...["prepare=maybe", "pgbouncer=maybe", "keepalives=maybe", "keepalives_idle=soon", "channel_binding=maybe"],
  ...["sslmode=allow", "sslmode=maybe", "ssl=maybe", "sslrootcert=system&sslmode=require", "sslnegotiation=maybe"],
  ...["sslrootcert=/no/such/file", "target_session_attrs=standby", "load_balance_hosts=random", "gssencmode=require"],
  ...["client_encoding=latin1", "host=a,b,c&port=1,2", "host=a&port=1,2", "port=port"],
];

const url = "postgres://user@localhost/db";

const wrongOptions: Readonly<Record<string, (password: string) => unknown>> = {
  "no options": () => undefined,
  "no server": () => ({}),
  "two servers": () => ({ url, pool: new pg.Pool() }),
  "a URL object": (password) => ({ url: new URL(`postgres://user:${password}@localhost`) }),
  "an unknown option": () => ({ url, tabel: "x" }),
  "a password in the parameters": (password) => ({ url: `${url}?password=${password}` }),
  "a password instead of a function": (password) => ({ url, password }),
  "a password and a function": (password) => ({
    url: `postgres://user:${password}@localhost/db`,
    password: async () => password,
  }),
  "a pool and a function": (password) => ({ pool: new pg.Pool({ password }), password: async () => password }),
  "`prepare` that is not a boolean": () => ({ url, prepare: "false" }),
  "an empty name of a table": () => ({ url, table: "" }),
  "an object that is not a pool": (password) => ({ pool: { password } }),
  "null instead of a pool": () => ({ pool: null }),
  "a client instead of a pool": (password) => ({ pool: new pg.Client({ password }) }),
  "a pool that sends queries in pipelines": (password) => ({
    pool: new pg.Pool({ password, pipeline: true } as object),
  }),
  "an object that is not a PGlite": (password) => ({ pglite: { password } }),
  "null instead of a PGlite": () => ({ pglite: null }),
};

/** Settings that postgresDriver refuses, with a password in many of them. */
export const invalidSettings: readonly InvalidSetting[] = [
  ...Object.entries(wrongUrls).map(([what, urlWith]) => {
    return { what: `a URL with ${what}`, driver: (secret: string) => postgresDriver({ url: urlWith(secret) }) };
  }),
  ...wrongParameters.map((parameters) => {
    const urlWith = (secret: string): string => `postgres://user:${secret}@localhost/db?${parameters}`;
    return { what: parameters, driver: (secret: string) => postgresDriver({ url: urlWith(secret) }) };
  }),
  ...Object.entries(wrongOptions).map(([what, optionsWith]) => {
    return { what, driver: (secret: string) => postgresDriver(optionsWith(secret) as PostgresDriverOptions) };
  }),
];
