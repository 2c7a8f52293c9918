import { Agent } from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { KnownDescription, KnownServer } from "@manykv/conformance";
import { answerJson, type HttpHandler, passThrough } from "@manykv/conformance/faults";
import type { Abilities } from "@manykv/core";
import { closing } from "@manykv/test-services";
import { type DynamodbDriverOptions, dynamodbDriver } from "../../src/index.js";
import { fail, timeToLive, withTable } from "./behaviours.js";
import { startProxy } from "./start-proxy.js";
import type { TestTable } from "./test-table.js";

/** A service with an active table that can be restored and whose expired items it deletes, except for what differs. */
interface KnownService {
  readonly what: string;
  /** Members of the table's description. */
  readonly table?: object;
  /** How the service handles an operation. */
  readonly handlers?: Readonly<Record<string, HttpHandler>>;
  readonly options?: Partial<DynamodbDriverOptions>;
  /** The host's name that the client uses. Default: the address of the proxy. */
  readonly host?: string;
  readonly product?: string;
  /** The findings besides `cannot-settle`. */
  readonly findings?: KnownDescription["findings"];
}

/** Every service has these abilities. */
export const abilities: Abilities = {
  settlesLostWrites: false,
  ttl: true,
  ifAbsent: true,
  increment: true,
  compareAndSwap: true,
  buckets: true,
};

const denied = fail(400, "AccessDeniedException");
const unknown = fail(400, "UnknownOperationException");
const noTable = fail(400, "ResourceNotFoundException");

/** Causes two findings, unless the driver cannot describe the table. */
const disabled = { DescribeContinuousBackups: backups("DISABLED"), DescribeTimeToLive: timeToLive("DISABLED") };

const arnOf = (region: string): object => ({ TableArn: `arn:aws:dynamodb:${region}:000000000000:table/t` });
const scylla = { TableArn: "arn:scylla:alternator:alternator_t:scylla:table/t" };

const products: readonly KnownService[] = [
  { what: "an emulator that does not tell its name" },
  { what: "ScyllaDB Alternator", table: scylla, product: "alternator" },
  { what: "DynamoDB local", table: arnOf("ddblocal"), product: "dynamodb-local" },
  ...[
    ...["dynamodb.us-east-1.amazonaws.com", "dynamodb.cn-north-1.amazonaws.com.cn", "dynamodb.us-east-1.api.aws"],
    "dynamodb.us-east-1.on.aws",
  ].map((host) => ({ what: `DynamoDB at ${host}`, host, product: "dynamodb" })),
  ...["dynamodb.us-east-1.amazonaws.com.example.org", "dynamodb.notamazonaws.com"].map((host) => ({
    what: `a service at ${host}`,
    host,
  })),
  {
    what: "ScyllaDB Alternator at a host of AWS",
    table: scylla,
    host: "example.compute.amazonaws.com",
    product: "alternator",
  },
  {
    what: "DynamoDB with a table that the role may not describe",
    handlers: { ...disabled, DescribeTable: denied },
    host: "dynamodb.us-east-1.amazonaws.com",
    product: "dynamodb",
    findings: { "table-not-described": "note" },
  },
];

const tables: readonly KnownService[] = [
  {
    what: "a table that does not exist",
    handlers: { ...disabled, DescribeTable: noTable },
    findings: { "no-table": "warning" },
  },
  ...["CREATING", "UPDATING", "DELETING"].map(
    (TableStatus): KnownService => ({
      what: `a table whose status is ${TableStatus}`,
      table: { TableStatus },
      findings: { "table-not-active": "warning" },
    }),
  ),
  {
    what: "a table with a replica",
    table: { Replicas: [{ RegionName: "eu-west-1" }] },
    findings: { "replicated-to-other-regions": "warning" },
  },
  { what: "a table with an empty list of replicas", table: { Replicas: [] } },
  ...(
    [
      ["a key of another name", keys({ id: "S" })],
      ["a number as key", keys({ k: "N" })],
      ["a sort key", keys({ k: "S", s: "S" })],
      ["a number as sort key", keys({ k: "S", s: "N" }), { sortKey: { attribute: "s", value: "v" } }],
      [
        "the key and the sort key in another order",
        keys({ s: "S", k: "S" }),
        { sortKey: { attribute: "s", value: "v" } },
      ],
      ["no sort key, although the client needs one", {}, { sortKey: { attribute: "s", value: "v" } }],
      ["no key of the name that the client needs", {}, { keyAttribute: "id" }],
    ] as const
  ).map(
    ([what, table, options = {}]): KnownService => ({
      what: `a table with ${what}`,
      table,
      options,
      findings: { "other-primary-key": "warning" },
    }),
  ),
  { what: "a table whose key the client knows", table: keys({ id: "S" }), options: { keyAttribute: "id" } },
  {
    what: "a table whose sort key the client knows",
    table: keys({ k: "S", s: "S" }),
    options: { sortKey: { attribute: "s", value: "v" } },
  },
];

const recovery: readonly KnownService[] = [
  {
    what: "a table that cannot be restored",
    handlers: { DescribeContinuousBackups: backups("DISABLED") },
    findings: { "no-point-in-time-recovery": "note" },
  },
  { what: "a role that may not describe backups", handlers: { DescribeContinuousBackups: denied } },
  { what: "a service that says nothing about backups", handlers: { DescribeContinuousBackups: answerJson(200, {}) } },
  {
    what: "a service that throttles the first request about backups",
    handlers: { DescribeContinuousBackups: afterThrottling(backups("DISABLED")) },
    findings: { "no-point-in-time-recovery": "note" },
  },
  { what: "a service without backups", handlers: { DescribeContinuousBackups: unknown } },
];

const expiry: readonly KnownService[] = [
  { what: "a table whose TTL is being enabled", handlers: { DescribeTimeToLive: timeToLive("ENABLING") } },
  {
    what: "a table whose TTL uses the attribute of the client",
    handlers: { DescribeTimeToLive: timeToLive("ENABLED", "other") },
    options: { ttlAttribute: "other" },
  },
  {
    what: "a service that throttles the first request about TTL",
    handlers: { DescribeTimeToLive: afterThrottling(timeToLive("ENABLED")) },
  },
  ...Object.entries({
    "a table without TTL": answerJson(200, { TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } }),
    "a table whose TTL is disabled": timeToLive("DISABLED"),
    "a table whose TTL is being disabled": timeToLive("DISABLING"),
    "a table whose TTL uses another attribute": timeToLive("ENABLED", "other"),
    "a role that may not describe TTL": denied,
    "a service without TTL": unknown,
  }).map(
    ([what, DescribeTimeToLive]): KnownService => ({
      what,
      handlers: { DescribeTimeToLive },
      findings: { "expired-items-remain": "note" },
    }),
  ),
];

const services: readonly KnownService[] = [
  ...products,
  ...tables,
  ...recovery,
  ...expiry,
  {
    what: "a table with several problems",
    table: { ...keys({ id: "N" }), TableStatus: "UPDATING", Replicas: [{ RegionName: "eu-west-1" }] },
    handlers: disabled,
    findings: {
      "replicated-to-other-regions": "warning",
      "table-not-active": "warning",
      "other-primary-key": "warning",
      "no-point-in-time-recovery": "note",
      "expired-items-remain": "note",
    },
  },
];

/** Services that describe the table in other ways: proxies that change the answers of the emulator. */
export function knownServers({ name: table, endpoint }: Pick<TestTable, "name" | "endpoint">): readonly KnownServer[] {
  return services.map(({ what, table: changes, handlers, options, host, product, findings }) => ({
    what,
    driver: async () => {
      const proxy = await startProxy(endpoint);
      const all: Readonly<Record<string, HttpHandler>> = {
        DescribeTable: withTable({ ...arnOf("us-east-1"), ...changes }),
        DescribeContinuousBackups: backups("ENABLED"),
        DescribeTimeToLive: timeToLive("ENABLED"),
        ...handlers,
      };
      proxy.handler = (exchange) => (all[exchange.operation] ?? passThrough)(exchange);
      const { port } = proxy.address;
      const client = host === undefined ? undefined : clientOf(`http://${host}:${port}`);
      const target = client ? { client } : { endpoint: proxy.url };
      return closing(dynamodbDriver({ table, ...target, ...options }), async () => {
        client?.destroy();
        await proxy[Symbol.asyncDispose]();
      });
    },
    description: {
      product,
      version: undefined,
      topology: "service",
      abilities,
      findings: { "cannot-settle": "note", ...findings },
    },
  }));
}

/** Creates a client that connects to this machine, whatever the name of the endpoint's host is. */
function clientOf(endpoint: string): DynamoDBClient {
  const httpAgent = new Agent({
    lookup: (_host, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]),
  });
  return new DynamoDBClient({ endpoint, requestHandler: { httpAgent } });
}

/** Returns the members of a table's description about its primary key, which has these attributes in this order. */
function keys(types: Readonly<Record<string, string>>): object {
  const entries = Object.entries(types);
  return {
    KeySchema: entries.map(([AttributeName], index) => ({ AttributeName, KeyType: index === 0 ? "HASH" : "RANGE" })),
    AttributeDefinitions: entries.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
  };
}

function backups(PointInTimeRecoveryStatus: string): HttpHandler {
  const PointInTimeRecoveryDescription = { PointInTimeRecoveryStatus };
  return answerJson(200, { ContinuousBackupsDescription: { PointInTimeRecoveryDescription } });
}

/** Returns a handler that throttles the first request. */
function afterThrottling(handler: HttpHandler): HttpHandler {
  const throttle = fail(400, "ThrottlingException");
  return (exchange) => (exchange.number === 1 ? throttle : handler)(exchange);
}
