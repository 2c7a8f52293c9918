import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { type DriverRequest, FaultError, type ServerAddress, waitFor } from "@manykv/core/driver";
import { isOtherProtocol } from "../connection-fault.js";
import { classify, conditionFailed, failCredentials, notDynamodb, refusal, UnmetCondition } from "../error-table.js";
import { Layout } from "../layout.js";
import type { DynamodbDriverOptions } from "../options.js";
import { Capacity } from "./capacity.js";
import { CredentialLookups } from "./credential-lookups.js";
import { Departure, Departures } from "./departure.js";
import { sendDirectly } from "./direct-request.js";
import { type Answer, bodyOf, type Message } from "./message.js";
import { createAgents } from "./proxy-agents.js";
import { type Connection, type Resolved, sendThroughStack } from "./sdk-stack.js";
import { ServiceClock } from "./service-clock.js";

/** Maximum time to connect with a client that manykv creates, in milliseconds. After this time, manykv retries. */
const connectTimeout = 3_000;
/** Maximum number of sockets of a client that manykv creates, enough for four parallel calls. Other requests wait. */
const maxSockets = 64;
/** Maximum number of requests that wait in the caller's client. Others wait outside, where they need less memory. */
const maxRequests = 1_000;
/** Maximum size of the responses that are in memory at the same time, in bytes: two of the largest ones. */
const maxAnswerBytes = 64_000_000;

/** How long the comparison of the client's middleware stays valid during parallel requests, in milliseconds. */
const plainTime = 20;
/** How long a search for credentials may take until the next request starts another one, in milliseconds. */
const longestSearch = 30_000;
/** The SDK searches for new credentials at most this long before they expire, in milliseconds. */
const renewalTime = 600_000;

/**
 * Sends requests with an SDK client: the caller's client, or one that manykv creates. The first request goes through
 * the client's middleware, which resolves the endpoint and the signing scheme. Later requests reuse both and skip the
 * middleware, unless the caller has added middleware, a logger or a wrapper, or the access key has changed.
 */
export class Transport {
  readonly table: string;
  readonly layout: Layout;
  readonly clock: ServiceClock = new ServiceClock();
  /** The address of the server. `undefined` before the SDK has resolved the endpoint for the first request. */
  server: ServerAddress | undefined;
  /** Whether a response has shown that the table has the primary key of the layout. */
  isLayoutConfirmed = false;
  readonly #options: DynamodbDriverOptions;
  /**
   * Limits how many requests are in flight. Others wait here and not in the HTTP agent, which would open new connections
   * even for cancelled requests.
   */
  readonly #requests: Capacity;
  readonly #answers: Capacity = new Capacity(maxAnswerBytes);
  #lookups: CredentialLookups = new CredentialLookups();
  /** When the running search for credentials began. `Infinity` if none is running. */
  #searchingSince = Infinity;
  #wasPlain = false;
  #plainUntil = 0;
  /** When the credentials expire, in milliseconds since 1970. */
  #validUntil = 0;
  #connection: Promise<Connection> | undefined;
  #isNodeHandler = false;
  /** Whether a request has succeeded, so that the server certainly is DynamoDB. */
  #isDynamodb = false;
  #departures: Departures | undefined;
  #route: (Resolved & { readonly accessKeyId: string }) | undefined;

  constructor(options: DynamodbDriverOptions) {
    this.table = options.table;
    this.layout = new Layout(options);
    this.#options = options;
    this.#requests = new Capacity(options.client === undefined ? maxSockets : maxRequests);
  }

  confirmLayout(): void {
    this.isLayoutConfirmed = true;
  }

  /**
   * Sends one request, verifies the checksum of the response and returns its JSON, parsed but not validated.
   *
   * @throws {FaultError} if the request fails or is aborted. The `effect` depends on whether the request was sent. It is
   * an {@link UnmetCondition} if the condition of a write is not met.
   */
  async send(message: Message, request: DriverRequest): Promise<Answer> {
    this.#departures ??= new Departures(this.#options.client ? undefined : connectTimeout);
    const departures = this.#departures;
    const departure = new Departure(request, this.#answers);
    departures.open.set(departure.id, departure);
    try {
      if (request.aborted) departure.cancel();
      return await waitFor(request, this.#exchange(message, departure));
    } catch (error) {
      departure.cancel();
      departure.fail(error);
      const fault = !this.#isDynamodb && isOtherProtocol(error) ? notDynamodb().fault : classify(error);
      const isAnnounced = departures.areAnnounced && this.#isNodeHandler;
      const actual = { ...fault, effect: departure.effect(fault.effect, isAnnounced) };
      if (fault.reason === conditionFailed) throw new UnmetCondition(actual, (error as { Item?: unknown }).Item);
      throw new FaultError(actual);
    } finally {
      departures.open.delete(departure.id);
      departure.end();
    }
  }

  /** Closes the client if manykv created it. */
  async close(): Promise<void> {
    this.#departures?.close();
    if (this.#options.client === undefined) this.#lookups.close();
    const connection = await this.#connection?.catch(() => undefined);
    if (this.#options.client === undefined) connection?.client.destroy();
  }

  async #exchange(message: Message, departure: Departure): Promise<Answer> {
    if (performance.now() - this.#searchingSince > longestSearch) this.#startAnew();
    this.#connection ??= connect(this.#options, this.clock).catch((error: unknown) => {
      this.#connection = undefined;
      throw error;
    });
    const connection = await this.#connection;
    this.#isNodeHandler = connection.isNodeHandler;
    const credentials = await this.#findCredentials(connection.client);
    await this.#requests.take(1, departure);
    const { table } = this;
    // Another access key may belong to another account with another endpoint, so its requests do not reuse the route.
    const route = this.#route;
    if (route !== undefined && route.accessKeyId === credentials.accessKeyId && this.#isPlain(connection)) {
      const body = bodyOf(message, { table, extra: "" });
      return { json: await sendDirectly(connection, route, credentials, message, body, departure), table };
    }
    const { resolved, ...answer } = await sendThroughStack(connection, message, table, departure, (target) => {
      const { protocol, hostname, port } = target;
      this.server = { address: hostname, port: port ?? (protocol === "https:" ? 443 : 80) };
    });
    this.#isDynamodb = true;
    const isSigV4 = resolved.scheme?.httpAuthOption.schemeId === "aws.auth#sigv4";
    if (isSigV4) this.#route = { ...resolved, accessKeyId: credentials.accessKeyId };
    return answer;
  }

  /**
   * Returns whether requests may skip the client's middleware. To compare the middleware takes a tenth of the CPU time
   * of a request. So while several requests are in flight, one comparison is valid for {@link plainTime}.
   */
  #isPlain({ isPlain }: Connection): boolean {
    const time = performance.now();
    if (this.#departures?.open.size === 1 || time > this.#plainUntil) {
      this.#wasPlain = isPlain();
      this.#plainUntil = time + plainTime;
    }
    return this.#wasPlain;
  }

  /** Creates a new client, because the SDK's client waits for a search for credentials even if it never ends. */
  #startAnew(): void {
    this.#lookups.close();
    this.#lookups = new CredentialLookups();
    this.#searchingSince = Infinity;
    this.#connection?.then(({ client }) => client.destroy()).catch(() => {});
    this.#connection = undefined;
    this.#route = undefined;
  }

  /** Returns the credentials of a client. The SDK caches them, and searches for new ones before they expire. */
  async #findCredentials({ config }: DynamoDBClient): Promise<Credentials> {
    const find = async (): Promise<Credentials> => config.credentials();
    const isCached = this.#validUntil > Date.now() + renewalTime;
    const isFollowed = !isCached && this.#options.client === undefined;
    if (isFollowed) this.#searchingSince = Math.min(this.#searchingSince, performance.now());
    const credentials = await (isFollowed ? this.#lookups.run(find) : find()).catch(failCredentials).finally(() => {
      this.#searchingSince = Infinity;
    });
    if (typeof credentials?.accessKeyId !== "string")
      throw refusal("access-denied", "the credentials provider returned no access key");
    this.#validUntil = credentials.expiration?.getTime() ?? Infinity;
    return credentials;
  }
}

type Credentials = Awaited<ReturnType<DynamoDBClient["config"]["credentials"]>>;

async function connect(
  { client, region, endpoint, credentials }: DynamodbDriverOptions,
  clock: ServiceClock,
): Promise<Connection> {
  const sdk = await import("@aws-sdk/client-dynamodb").catch(failImport);
  if (client !== undefined)
    return { client, sdk, clock, ...compare(client, new sdk.DynamoDBClient({ region: "none" })) };
  const requestHandler = createAgents({ maxSockets }, connectTimeout, process.env);
  const config = { region, endpoint, credentials, requestHandler };
  const own = new sdk.DynamoDBClient(config as DynamoDBClientConfig);
  return { client: own, sdk, clock, ...compare(own, own) };
}

function failImport(error: NodeJS.ErrnoException): never {
  if (error.code !== "ERR_MODULE_NOT_FOUND" && error.code !== "MODULE_NOT_FOUND")
    throw refusal("unavailable", "@aws-sdk/client-dynamodb cannot be loaded: import it in the program to see why");
  throw refusal("unavailable", "@aws-sdk/client-dynamodb is not installed: run `npm install @aws-sdk/client-dynamodb`");
}

/** Compares the caller's client with a new one. The caller may change the client at any time. */
function compare(client: DynamoDBClient, bare: DynamoDBClient): Pick<Connection, "isPlain" | "isNodeHandler"> {
  const middleware = ({ middlewareStack }: DynamoDBClient): string => middlewareStack.identify().join();
  const { requestHandler, logger } = client.config;
  const isLoggerBare = logger?.constructor === bare.config.logger.constructor;
  const bareMiddleware = middleware(bare);
  let bareSend: unknown;
  return {
    isPlain() {
      if (client.send !== bareSend) bareSend = isBare(client.send) ? client.send : undefined;
      return isLoggerBare && bareSend !== undefined && (client === bare || middleware(client) === bareMiddleware);
    },
    isNodeHandler: requestHandler.constructor === bare.config.requestHandler.constructor,
  };
}

/** Returns whether `send` is the SDK's method. Tracing libraries wrap it, often in the prototype of all clients. */
function isBare(send: DynamoDBClient["send"]): boolean {
  return /^send\s*\(/.test(Function.prototype.toString.call(send));
}
