import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { InvalidSetting, Variant } from "@manykv/conformance";
import type { Driver } from "@manykv/core/driver";
import { closing } from "@manykv/test-services";
import { type DynamodbDriverOptions, dynamodbDriver } from "../../src/index.js";
import { defaultNames } from "../../src/layout.js";

const region = "us-east-1";
const credentials = { accessKeyId: "manykv", secretAccessKey: "manykv" };

/** Other clients of a table. */
export function variantsOf(table: string, endpoint: string): readonly Variant[] {
  const withClient = (settings: object): Driver => {
    const client = new DynamoDBClient({ endpoint, region, credentials, ...settings });
    return closing(dynamodbDriver({ table, client }), () => client.destroy());
  };
  return [
    {
      what: "the region and credentials as options",
      driver: () => dynamodbDriver({ table, endpoint, region, credentials }),
    },
    {
      what: "a function that returns credentials",
      driver: () => dynamodbDriver({ table, endpoint, region, credentials: async () => credentials }),
    },
    {
      what: "the names of the attributes",
      driver: () => dynamodbDriver({ table, endpoint, region, ...defaultNames }),
    },
    { what: "a client", driver: () => withClient({}) },
    { what: "a client that retries by itself", driver: () => withClient({ maxAttempts: 3, retryMode: "adaptive" }) },
    { what: "a client with functions as settings", driver: () => withClient({ region: async () => region }) },
  ];
}

const wrongTables: readonly unknown[] = ["ab", "a".repeat(256), "a b", "a/b", "\u00e9\u00e9\u00e9", "", "table\n", 7];
const wrongEndpoints = ["localhost:8000", "ftp://localhost", "", "http://", "//host"];
const wrongNames: readonly unknown[] = [{}, null, "", "a".repeat(256), "\ud800", 7];
const wrongSortKeys: readonly unknown[] = [
  ...[null, "sk", { attribute: "sk" }, { attribute: "sk", value: "" }],
  ...[
    { attribute: "sk", value: "\u00e9".repeat(513) },
    { attribute: "sk", value: "v", type: "S" },
  ],
  ...[
    { attribute: "k", value: "v" },
    { attribute: "v", value: "v" },
  ],
];

const wrongOptions: Readonly<Record<string, (password: string) => unknown>> = {
  "no options": () => undefined,
  "a name instead of options": () => "table",
  "an unknown option": () => ({ table: "table", regoin: region }),
  "an empty region": () => ({ table: "table", region: "" }),
  "an endpoint with a password": (password) => ({
    table: "table",
    region,
    endpoint: `http://user:${password}@localhost`,
  }),
  "credentials that are a string": (password) => ({ table: "table", region, credentials: password }),
  "credentials without a secret key": (password) => ({
    table: "table",
    region,
    credentials: { accessKeyId: password },
  }),
  "one name for the key and the value": () => ({ table: "table", region, keyAttribute: "v" }),
  "an object that is not a client": (password) => ({ table: "table", client: { password } }),
  "a client of version 2": () => ({ table: "table", client: { config: {}, makeRequest() {} } }),
  "a class instead of a client": () => ({ table: "table", client: DynamoDBClient }),
  "a frozen client": () => ({ table: "table", client: Object.freeze(new DynamoDBClient({ region })) }),
  "a client and a region": () => ({ table: "table", client: new DynamoDBClient({ region }), region }),
};

/** Settings that dynamodbDriver refuses, with a password in some of them. */
export const invalidSettings: readonly InvalidSetting[] = [
  ...wrongTables.map((table) => refused(`the table ${JSON.stringify(table)}`, () => ({ table, region }))),
  ...wrongEndpoints.map((endpoint) =>
    refused(`the endpoint ${endpoint}`, () => ({ table: "table", region, endpoint })),
  ),
  ...wrongNames.map((name) => refused(`the attribute ${name}`, () => ({ table: "table", region, keyAttribute: name }))),
  ...wrongNames.map((name) =>
    refused(`the attribute ${name}`, () => ({ table: "table", region, valueAttribute: name })),
  ),
  ...wrongSortKeys.map((sortKey, index) => refused(`sort key ${index}`, () => ({ table: "table", region, sortKey }))),
  ...Object.entries(wrongOptions).map(([what, optionsWith]) => refused(what, optionsWith)),
];

function refused(what: string, optionsWith: (password: string) => unknown): InvalidSetting {
  return { what, driver: (secret) => dynamodbDriver(optionsWith(secret) as DynamodbDriverOptions) };
}
