import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { StoreError, type StoreOptions } from "@manykv/core";
import { checkOptions } from "@manykv/core/driver";

/** The table to use, and how to connect to DynamoDB. */
export interface DynamodbDriverOptions {
  /**
   * The table's name: 3 to 255 characters of `a-z A-Z 0-9 _ - .`
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
   */
  readonly table: string;
  /** AWS region. Default: the region that the SDK finds in AWS_REGION or in the shared configuration file. */
  readonly region?: string | undefined;
  /** URL of an emulator or private endpoint. Default: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL or the AWS URL. */
  readonly endpoint?: string | undefined;
  /** Credentials or a provider function. Default: the SDK's default provider chain. */
  readonly credentials?: DynamoDBClientConfig["credentials"];
  /**
   * Your own client, instead of `region`, `endpoint` and `credentials`. Requests use its endpoint, credentials,
   * request handler and middleware, but not its retries: manykv retries. The store does not close the client.
   */
  readonly client?: DynamoDBClient | undefined;
}

/** The options of `dynamodbStore`: those of its driver and those of every store. */
export interface DynamodbStoreOptions extends StoreOptions, DynamodbDriverOptions {}

const driverOptionNames = ["table", "region", "endpoint", "credentials", "client"];
const tableName = /^[a-zA-Z0-9_.-]{3,255}$/;

/** Checks options. Throws `invalid-argument` with a message that names the option and says what is valid. */
export function checkDriverOptions(options: DynamodbDriverOptions): void {
  checkOptions(options, driverOptionNames);
  const { table, region, endpoint, credentials, client } = options;
  const isTable = typeof table === "string" && tableName.test(table);
  check(isTable, "`table` must match [A-Za-z0-9_.-]{3,255}");
  if (client !== undefined) {
    const { config, middlewareStack, send } = client ?? {};
    const functions = [send, middlewareStack?.identify, config?.credentials, config?.requestHandler?.handle];
    const isClient = functions.every((each) => typeof each === "function");
    check(isClient, "`client` must be a DynamoDBClient from @aws-sdk/client-dynamodb 3.974 or later");
    const isAlone = region === undefined && endpoint === undefined && credentials === undefined;
    check(isAlone, "`client` has its own region, endpoint and credentials: omit those options");
  }
  const isRegion = region === undefined || (typeof region === "string" && region !== "");
  check(isRegion, "`region` must be the name of a region, such as eu-west-1");
  if (endpoint !== undefined) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    check(/^https?:/.test(url?.protocol ?? ""), "`endpoint` must be a URL that starts with http:// or https://");
    const hasLogin = url?.username !== "" || url.password !== "";
    check(!hasLogin, "`endpoint` must not contain a user or password: pass `credentials` instead");
  }
  if (credentials !== undefined && typeof credentials !== "function") {
    const { accessKeyId, secretAccessKey } = credentials ?? {};
    const areStrings = typeof accessKeyId === "string" && typeof secretAccessKey === "string";
    check(areStrings, "`credentials` must be { accessKeyId, secretAccessKey } or a provider function");
  }
}

/** Throws `invalid-argument` unless `isValid`. No message contains the value of an option, which may be a password. */
function check(isValid: boolean, message: string): void {
  if (!isValid) throw new StoreError("invalid-argument", message);
}
