import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { StoreError, type StoreOptions } from "@manykv/core";

/** Where the table is, and how to get there. */
export interface DynamodbDriverOptions {
  /**
   * The table's name: 3 to 255 characters of `a-z A-Z 0-9 _ - .`, by
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
   */
  readonly table: string;
  /** AWS region. Default: what the SDK finds in AWS_REGION or the shared configuration file. */
  readonly region?: string | undefined;
  /** URL of the service, for an emulator or a private endpoint. Default: the region's own. */
  readonly endpoint?: string | undefined;
  /** Credentials, or a provider of them. Default: the SDK's default chain. */
  readonly credentials?: DynamoDBClientConfig["credentials"];
  /**
   * A client of the caller's own, in place of `region`, `endpoint` and `credentials`. It keeps its own retries and
   * timeouts, and stays open when the store is closed.
   */
  readonly client?: DynamoDBClient | undefined;
}

export interface DynamodbStoreOptions extends StoreOptions, DynamodbDriverOptions {}

const known: { readonly [Name in keyof DynamodbStoreOptions]-?: true } = {
  table: true,
  region: true,
  endpoint: true,
  credentials: true,
  client: true,
  limits: true,
  buckets: true,
  timeout: true,
  request: true,
  concurrency: true,
  retry: true,
};

const tableName = /^[a-zA-Z0-9_.-]{3,255}$/;

/** @throws {StoreError} `invalid-argument`, naming the option and how to correct it. */
export function checkOptions(options: DynamodbDriverOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new StoreError("invalid-argument", "the options are not an object: pass { table }");
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name))
      throw new StoreError("invalid-argument", `there is no option \`${name}\``);
  }
  const { table, region, endpoint, credentials, client } = options;
  if (typeof table !== "string" || !tableName.test(table)) {
    throw new StoreError(
      "invalid-argument",
      "`table` is not a table name: pass 3 to 255 characters of a-z A-Z 0-9 _ - .",
    );
  }
  if (client !== undefined) checkClient(client, [region, endpoint, credentials]);
  if (region !== undefined && (typeof region !== "string" || region === "")) {
    throw new StoreError(
      "invalid-argument",
      "`region` is empty: pass the name of a region, such as eu-west-1",
    );
  }
  if (endpoint !== undefined) checkEndpoint(endpoint);
  if (credentials !== undefined) checkCredentials(credentials);
}

/** A provider tells only later what it has. */
function checkCredentials(credentials: unknown): void {
  if (typeof credentials === "function") return;
  const { accessKeyId, secretAccessKey } = (credentials ?? {}) as Partial<Record<string, unknown>>;
  if (typeof accessKeyId !== "string" || typeof secretAccessKey !== "string") {
    throw new StoreError(
      "invalid-argument",
      "`credentials` are none: pass { accessKeyId, secretAccessKey }, or a function that gives them",
    );
  }
}

function checkClient(client: DynamoDBClient, rest: readonly unknown[]): void {
  if (typeof client?.send !== "function") {
    throw new StoreError("invalid-argument", "`client` is not a DynamoDBClient of @aws-sdk/client-dynamodb");
  }
  if (rest.some((option) => option !== undefined)) {
    throw new StoreError(
      "invalid-argument",
      "`client` has its own region, endpoint and credentials: leave those options out",
    );
  }
}

/** The message does not repeat the URL, which may hold a password. */
function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new StoreError("invalid-argument", "`endpoint` is not a URL that starts with http:// or https://");
  }
  if (url.username !== "" || url.password !== "") {
    throw new StoreError(
      "invalid-argument",
      "`endpoint` must hold no user or password: pass them as `credentials`",
    );
  }
}
