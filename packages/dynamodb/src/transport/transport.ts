import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { type DriverRequest, FaultError, type ServerAddress, waitFor } from "@manykv/core/driver";
import { classify, failCredentials, refusal } from "../error-table.js";
import type { DynamodbDriverOptions } from "../options.js";
import { Departure, Departures } from "./departure.js";
import { sendDirectly } from "./direct-request.js";
import { parseJson } from "./http-answer.js";
import { type Connection, type Message, type Resolved, sendThroughStack } from "./sdk-stack.js";

/** Maximum time to connect with a client that manykv creates, in milliseconds. After this time, manykv retries. */
const connectTimeout = 3_000;
/** Maximum number of sockets of a client that manykv creates, enough for four parallel calls. Other requests wait. */
const maxSockets = 64;

/**
 * Sends requests with an SDK client: the caller's client, or one that manykv creates. The first request goes through
 * the client's middleware, which resolves the endpoint and the signing scheme. Later requests reuse both and skip the
 * middleware, unless the caller has added middleware, a logger or a wrapper, or the access key has changed.
 */
export class Transport {
  readonly table: string;
  /** The address of the server. `undefined` before the first response. */
  server: ServerAddress | undefined;
  readonly #options: DynamodbDriverOptions;
  #connection: Promise<Connection> | undefined;
  #isNodeHandler = false;
  #departures: Departures | undefined;
  #route: (Resolved & { readonly accessKeyId: string }) | undefined;

  constructor(options: DynamodbDriverOptions) {
    this.table = options.table;
    this.#options = options;
  }

  /**
   * Sends one request, verifies the checksum of the response and returns its JSON, parsed but not validated.
   *
   * @throws {FaultError} if the request fails or is aborted. The `effect` depends on whether the request was sent.
   */
  async send(operation: Message["operation"], body: string, request: DriverRequest): Promise<unknown> {
    this.#departures ??= new Departures(this.#options.client ? undefined : connectTimeout);
    const departures = this.#departures;
    const departure = new Departure();
    departures.open.set(departure.id, departure);
    try {
      if (request.aborted) departure.cancel();
      const message = { operation, table: this.table, body, request };
      return parseJson(await waitFor(request, this.#exchange(message, departure)));
    } catch (error) {
      departure.cancel();
      departure.fail(error);
      const fault = classify(error);
      const isAnnounced = departures.areAnnounced && this.#isNodeHandler;
      throw new FaultError({ ...fault, effect: departure.effect(fault.effect, isAnnounced) });
    } finally {
      departures.open.delete(departure.id);
    }
  }

  /** Closes the client if manykv created it. */
  async close(): Promise<void> {
    this.#departures?.close();
    const connection = await this.#connection?.catch(() => undefined);
    if (this.#options.client === undefined) connection?.client.destroy();
  }

  async #exchange(message: Message, departure: Departure): Promise<Uint8Array> {
    this.#connection ??= connect(this.#options).catch((error: unknown) => {
      this.#connection = undefined;
      throw error;
    });
    const connection = await this.#connection;
    this.#isNodeHandler = connection.isNodeHandler;
    // The SDK caches credentials until they expire.
    const credentials = await connection.client.config.credentials().catch(failCredentials);
    // Another access key may belong to another account with another endpoint, so its requests do not reuse the route.
    if (this.#route?.accessKeyId === credentials.accessKeyId)
      return sendDirectly(connection, this.#route, credentials, message, departure);
    const { answer, resolved } = await sendThroughStack(connection, message, departure);
    const { protocol, hostname, port } = resolved.target;
    this.server = { address: hostname, port: port ?? (protocol === "https:" ? 443 : 80) };
    const isSigV4 = resolved.scheme?.httpAuthOption.schemeId === "aws.auth#sigv4";
    if (connection.isPlain && isSigV4) this.#route = { ...resolved, accessKeyId: credentials.accessKeyId };
    return answer;
  }
}

async function connect({ client, region, endpoint, credentials }: DynamodbDriverOptions): Promise<Connection> {
  const sdk = await import("@aws-sdk/client-dynamodb").catch(() => {
    throw refusal("unavailable", "ERR_MODULE_NOT_FOUND");
  });
  if (client !== undefined) return { client, sdk, ...compare(client, new sdk.DynamoDBClient({ region: "none" })) };
  const agent = { maxSockets };
  const config = { region, endpoint, credentials, requestHandler: { httpAgent: agent, httpsAgent: agent } };
  const own = new sdk.DynamoDBClient(config as DynamoDBClientConfig);
  return { client: own, sdk, isPlain: true, isNodeHandler: true };
}

/** Compares the caller's client with a new one. Instrumentation libraries wrap `send` and set `__wrapped`. */
function compare(client: DynamoDBClient, bare: DynamoDBClient): Pick<Connection, "isPlain" | "isNodeHandler"> {
  const middleware = ({ middlewareStack }: DynamoDBClient): string => middlewareStack.identify().join();
  const { logger, requestHandler } = client.config;
  const isSendBare = client.send === bare.send && !("__wrapped" in client.send);
  const isLoggerBare = logger?.constructor === bare.config.logger.constructor;
  return {
    isPlain: isSendBare && isLoggerBare && middleware(client) === middleware(bare),
    isNodeHandler: requestHandler.constructor === bare.config.requestHandler.constructor,
  };
}
