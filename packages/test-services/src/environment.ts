import { clusterAddresses, emulatorCredentials, emulatorRegion } from "./options.js";
import type { DynamodbService, PostgresService, RedisClusterService, RedisService, Service } from "./service.js";
import { listTables, queryPostgres, withRedis } from "./support/clients.js";

/** Variables that contain a server's address. Tests connect only to these servers and to servers that they start. */
export type AddressVariable =
  | "MANYKV_REDIS_URL"
  | "MANYKV_REDIS_CLUSTER_URL"
  | "MANYKV_POSTGRES_URL"
  | "MANYKV_DYNAMODB_URL";

export interface Address {
  readonly variable: AddressVariable;
  readonly url: string;
}

/** Returns the address in a variable, or `undefined` if the variable is unset or empty. */
export function addressIn(variable: AddressVariable): Address | undefined {
  const url = process.env[variable]?.trim();
  return url ? { variable, url } : undefined;
}

export async function redisAt(address: Address): Promise<RedisService> {
  const server = parseAddress(address, "redis://[[user]:password@]host:port[/database]", {
    "redis:": 6379,
    "rediss:": 6379,
  });
  await check(address, server.at, () => withRedis(address.url, (client) => client.ping()));
  return environmentService(address, server);
}

const clusterForm = /^(rediss?)\+cluster:\/\/(?:(.*)@)?([^@/?#]+)$/;
const nodeForm = /^(.+):(\d+)$/;

export async function redisClusterAt(address: Address): Promise<RedisClusterService> {
  const [, scheme, user, list = ""] = clusterForm.exec(address.url) ?? [];
  const parsed = list.split(",").map((each) => nodeForm.exec(each));
  const nodes = parsed.flatMap((match) => (match?.[1] ? [{ host: match[1], port: Number(match[2]) }] : []));
  const [first] = nodes;
  if (!first || nodes.length !== parsed.length)
    throw invalidAddress(address, "redis+cluster://[[user]:password@]host:port,host:port");
  const at = clusterAddresses(nodes);
  const url = `${scheme}://${user === undefined ? "" : `${user}@`}${first.host}:${first.port}`;
  const info = await check(address, at, () => withRedis(url, (client) => client.call("CLUSTER", "INFO")));
  if (!String(info).includes("cluster_state:ok")) {
    throw new Error(
      `${address.variable}: the cluster at ${at} is not in the state "ok". Repair it, or unset ${address.variable}`,
    );
  }
  return { ...environmentService(address, { ...first, at }), nodes };
}

export async function postgresAt(address: Address): Promise<PostgresService> {
  const server = parseAddress(address, "postgres://user:password@host:port/database", {
    "postgres:": 5432,
    "postgresql:": 5432,
  });
  await check(address, server.at, () => queryPostgres(address.url, "SELECT 1"));
  return environmentService(address, server);
}

/**
 * Returns the service at an endpoint such as `http://127.0.0.1:8000`. Uses `AWS_REGION` if it is set, and the AWS
 * credentials of the environment if `AWS_ACCESS_KEY_ID` is set. Otherwise, uses the values for an emulator.
 */
export async function dynamodbAt(address: Address): Promise<DynamodbService> {
  const server = parseAddress(address, "http://host:port", { "http:": 80, "https:": 443 });
  const region = process.env["AWS_REGION"] ?? emulatorRegion;
  const credentials = process.env["AWS_ACCESS_KEY_ID"] ? undefined : emulatorCredentials;
  await check(address, server.at, () => listTables({ url: address.url, region, credentials }));
  return { ...environmentService(address, server), region, credentials };
}

interface Server {
  readonly host: string;
  readonly port: number;
  /** `host:port` or, for a cluster, `host:port,host:port`. For messages. */
  readonly at: string;
}

/** Parses an address. `protocols` maps each accepted protocol to its default port. */
function parseAddress(address: Address, form: string, protocols: Readonly<Record<string, number>>): Server {
  const url = URL.canParse(address.url) ? new URL(address.url) : undefined;
  const defaultPort = protocols[url?.protocol ?? ""];
  if (!url?.hostname || defaultPort === undefined) throw invalidAddress(address, form);
  const port = url.port === "" ? defaultPort : Number(url.port);
  return { host: url.hostname, port, at: `${url.hostname}:${port}` };
}

/** Returns an error whose message omits the address, because the address may contain a password. */
function invalidAddress({ variable }: Address, form: string): Error {
  return new Error(`${variable} is not an address of the form ${form}. Correct or unset the variable`);
}

/** Sends a request to check the server. If the request fails, rejects with an error that names the variable. */
async function check<T>({ variable }: Address, at: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    // Include only the code, because the message or cause of a client's error may contain the address.
    throw new Error(
      `${variable}: the request to the server at ${at} failed (${codeOf(error)}). Start the server, correct the address, or unset ${variable}`,
    );
  }
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  const { code, name, message } = error as NodeJS.ErrnoException;
  // The first word of a Redis error is its code: "WRONGPASS invalid username-password pair".
  return code ?? /^([A-Z]{2,})\b/.exec(message ?? "")?.[1] ?? name ?? "unknown error";
}

/** Returns a service for a server from the environment. Stopping the service leaves the server running. */
function environmentService({ variable, url }: Address, { host, port, at }: Server): Service {
  return {
    source: "environment",
    description: `${variable} at ${at}`,
    host,
    port,
    url,
    stop: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
