import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { StoreError, type StoreOptions } from "@manykv/core";
import { checkOptions } from "@manykv/core/driver";
import { defaultNames, type LayoutOptions, type SortKey } from "./layout.js";

/** The table to use, and how to connect to DynamoDB. */
export interface DynamodbDriverOptions extends LayoutOptions {
  /**
   * The table's name: 3 to 255 characters of `a-z A-Z 0-9 _ - .`
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
   */
  readonly table: string;
  /** AWS region. Default: the region that the SDK finds in AWS_REGION or in the shared configuration file. */
  readonly region?: string | undefined;
  /**
   * URL of an emulator or private endpoint, starting with http:// or https://, without user and password. Default:
   * AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL or the AWS URL.
   */
  readonly endpoint?: string | undefined;
  /**
   * `{ accessKeyId, secretAccessKey, sessionToken }`, of which the last is optional, or a provider function. Default:
   * the SDK's default provider chain.
   */
  readonly credentials?: DynamoDBClientConfig["credentials"];
  /**
   * Your own client of SDK 3.974 or later, instead of `region`, `endpoint` and `credentials`. Requests use its
   * endpoint, credentials, request handler and middleware, but not its retries: manykv retries. The store does not
   * close the client. Default: a client that manykv creates, with at most 64 connections.
   */
  readonly client?: DynamoDBClient | undefined;
}

/** The options of `dynamodbStore`: those of its driver and those of every store. */
export interface DynamodbStoreOptions extends StoreOptions, DynamodbDriverOptions {}

const driverOptionNames = [
  "table",
  "keyAttribute",
  "valueAttribute",
  "counterAttribute",
  "expiryAttribute",
  "ttlAttribute",
  "sortKey",
  "region",
  "endpoint",
  "credentials",
  "client",
];
const tableName = /^[a-zA-Z0-9_.-]{3,255}$/;

/**
 * Checks options and returns a copy of them. Throws `invalid-argument` with a message that names the option and says
 * what is valid.
 */
export function checkDriverOptions(options: DynamodbDriverOptions): DynamodbDriverOptions {
  const { sortKey, ...given } = checkOptions(options, driverOptionNames);
  const copy = sortKey === undefined ? given : { ...given, sortKey: checkSortKey(sortKey) };
  const { table, region, endpoint, credentials, client } = copy;
  const isTable = typeof table === "string" && tableName.test(table);
  check(isTable, "`table` must match [A-Za-z0-9_.-]{3,255}");
  checkLayout(copy);
  if (client !== undefined) {
    checkClient(client);
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
  return copy;
}

function checkLayout({ sortKey, ...options }: DynamodbDriverOptions): void {
  const optionNames = Object.keys(defaultNames) as (keyof typeof defaultNames)[];
  const names = optionNames.map((option) => {
    const { [option]: name = defaultNames[option] } = options;
    check(isText(name, 255), `\`${option}\` must be a string of 1 to 255 bytes`);
    return name;
  });
  if (sortKey !== undefined) names.push(sortKey.attribute);
  const areDifferent = new Set(names).size === names.length;
  const listed = optionNames.map((option) => `\`${option}\``).join(", ");
  check(areDifferent, `${listed} and \`sortKey.attribute\` must be different names`);
}

function checkSortKey(sortKey: SortKey): SortKey {
  const copy = checkOptions(sortKey, ["attribute", "value"], "`sortKey`");
  check(isText(copy.attribute, 255), "`sortKey.attribute` must be a string of 1 to 255 bytes");
  check(isText(copy.value, 1_024), "`sortKey.value` must be a string of 1 to 1,024 bytes");
  return copy;
}

function isText(text: unknown, maxBytes: number): boolean {
  return typeof text === "string" && text !== "" && text.isWellFormed() && Buffer.byteLength(text) <= maxBytes;
}

/** The oldest version whose clients can send the requests of another copy of the SDK. */
const supportedClient = "a DynamoDBClient from @aws-sdk/client-dynamodb 3.974 or later";

/** A client of version 2 of the SDK. A DocumentClient has the client of the service as `service`. */
interface Version2Client {
  readonly makeRequest?: unknown;
  readonly service?: Version2Client;
}

function checkClient(client: Partial<DynamoDBClient> | null): void {
  const { config, middlewareStack, send } = client ?? {};
  const { credentials, requestHandler, protocol, serviceId } = { ...config } as Partial<DynamoDBClient["config"]>;
  const functions = [send, middlewareStack?.identify, credentials, requestHandler?.handle];
  const isClient = functions.every((each) => typeof each === "function");
  const isOther = typeof serviceId === "string" && serviceId !== "DynamoDB";
  check(!isOther, `\`client\` is a client of another service: pass ${supportedClient}`);
  const isVersion2 = [client, (client as Version2Client | null)?.service].some(
    (each) => typeof (each as Version2Client | null | undefined)?.makeRequest === "function",
  );
  check(!isVersion2, `\`client\` is a client of version 2 of the AWS SDK: pass ${supportedClient}`);
  // Older clients lack the protocol that encodes the commands of a newer copy of the SDK.
  const isRecent = typeof (protocol as { serializeRequest?: unknown } | undefined)?.serializeRequest === "function";
  check(isClient && isRecent, `\`client\` must be ${supportedClient}`);
  const isFrozen = Object.isSealed(client) || Object.isFrozen(config);
  check(!isFrozen, "`client` or its `config` is frozen or sealed: the AWS SDK itself cannot use such a client");
}

/** Throws `invalid-argument` unless `isValid`. No message contains the value of an option, which may be a password. */
function check(isValid: boolean, message: string): void {
  if (!isValid) throw new StoreError("invalid-argument", message);
}
