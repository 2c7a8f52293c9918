import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { StoreError, type StoreOptions } from "@manykv/core";
import { checkOptions } from "@manykv/core/driver";

/** Which table to use, and how to reach it. */
export interface DynamodbDriverOptions {
  /**
   * The table's name: 3 to 255 characters of `a-z A-Z 0-9 _ - .`
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
   */
  readonly table: string;
  /** AWS region. Default: AWS_REGION or the shared configuration file, as the SDK resolves them. */
  readonly region?: string | undefined;
  /** URL of the service, for an emulator or a private endpoint. Default: the region's endpoint. */
  readonly endpoint?: string | undefined;
  /** Credentials or a provider function. Default: the SDK's default provider chain. */
  readonly credentials?: DynamoDBClientConfig["credentials"];
  /**
   * Your client, instead of `region`, `endpoint` and `credentials`. Requests use its endpoint, credentials, request
   * handler and middleware, but not its retries: manykv retries. It stays open when the store closes.
   */
  readonly client?: DynamoDBClient | undefined;
}

export interface DynamodbStoreOptions extends StoreOptions, DynamodbDriverOptions {}

const driverOptionNames = ["table", "region", "endpoint", "credentials", "client"];
const tableName = /^[a-zA-Z0-9_.-]{3,255}$/;

/** @throws {StoreError} `invalid-argument`, naming the option and how to correct it. */
export function checkDriverOptions(options: DynamodbDriverOptions): void {
  checkOptions(options, driverOptionNames);
  const { table, region, endpoint, credentials, client } = options;
  if (typeof table !== "string" || !tableName.test(table))
    throw invalid("`table` must be a table name: 3 to 255 characters of a-z A-Z 0-9 _ - .");
  if (client !== undefined) checkClient(client, [region, endpoint, credentials]);
  if (region !== undefined && (typeof region !== "string" || region === ""))
    throw invalid("`region` must be the name of a region, such as eu-west-1");
  if (endpoint !== undefined) checkEndpoint(endpoint);
  if (credentials !== undefined) checkCredentials(credentials);
}

function checkClient(client: DynamoDBClient, rest: readonly unknown[]): void {
  const { config, middlewareStack, send } = client ?? {};
  const functions = [send, middlewareStack?.identify, config?.credentials, config?.requestHandler?.handle];
  if (functions.some((each) => typeof each !== "function"))
    throw invalid("`client` must be a DynamoDBClient of @aws-sdk/client-dynamodb 3.705 or later");
  if (rest.some((option) => option !== undefined))
    throw invalid("`client` has its own region, endpoint and credentials: omit those options");
}

/** The message does not repeat the URL, because it may contain a password. */
function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw invalid("`endpoint` must be a URL that starts with http:// or https://");
  if (url.username !== "" || url.password !== "")
    throw invalid("`endpoint` must not contain a user or password: pass `credentials` instead");
}

/** What a provider function returns is known only when it is called. */
function checkCredentials(credentials: unknown): void {
  if (typeof credentials === "function") return;
  const { accessKeyId, secretAccessKey } = (credentials ?? {}) as Partial<Record<string, unknown>>;
  if (typeof accessKeyId !== "string" || typeof secretAccessKey !== "string") {
    throw invalid("`credentials` is invalid: pass { accessKeyId, secretAccessKey } or a provider function");
  }
}

function invalid(message: string): StoreError {
  return new StoreError("invalid-argument", message);
}
