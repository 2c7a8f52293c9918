import { Agent } from "node:http";
import { DeleteTableCommand, DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { type HttpHandler, passThrough } from "@manykv/conformance/faults";
import type { Driver, Fault } from "@manykv/core/driver";
import { describe, expect, test } from "vitest";
import { dynamodbDriver, dynamodbStore } from "../src/index.js";
import { fail, hangAfter, resetAfter, resetBefore } from "./support/behaviours.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint } = testTable();
const write = (): Parameters<Driver["set"]>[0] => request({ keys: ["key"], values: [new Uint8Array([1])] });
const rounds = [1, 2, 3];

async function faultOf(driver: Driver): Promise<Fault> {
  const error = await driver.set(write()).then(
    () => expect.fail("the call must reject, but resolved"),
    (reason: unknown) => reason,
  );
  return driver.classify(error);
}

interface ChangedInput {
  TableName?: string;
  RequestItems?: Record<string, unknown[]>;
  ReturnConsumedCapacity?: string;
}

/** Returns a handler that passes request 1 to the first handler, request 2 to the second, and the rest to the last. */
function inTurn(...handlers: HttpHandler[]): HttpHandler {
  return (exchange) => (handlers[exchange.number - 1] ?? handlers.at(-1) ?? passThrough)(exchange);
}

test("the caller's client stays open after the store closes", async () => {
  const client = new DynamoDBClient({ endpoint });
  const store = dynamodbStore({ table, client });
  await (await store.open("bucket")).set("key", new Uint8Array([1]));
  await store.close();
  const { TableNames } = await client.send(new ListTablesCommand({}));
  expect(TableNames).toBeDefined();
  client.destroy();
});

describe("the caller's middleware sees every request", () => {
  test("initialize: sees the operation and the table", async () => {
    const client = new DynamoDBClient({ endpoint });
    const seen: unknown[] = [];
    client.middlewareStack.add((next, context) => (args) => {
      seen.push([context.commandName, args.input]);
      return next(args);
    });
    const driver = dynamodbDriver({ table, client });
    for (const _ of rounds) await driver.set(write());
    expect(seen).toEqual(rounds.map(() => ["BatchWriteItemCommand", { RequestItems: { [table]: [] } }]));
    await driver.close();
    client.destroy();
  });

  test("initialize: can change the table, and add members to the input", async () => {
    const client = new DynamoDBClient({ endpoint });
    const outputs: object[] = [];
    client.middlewareStack.add((next) => async (args) => {
      const input = args.input as ChangedInput;
      if ("TableName" in input) input.TableName = `dev-${input.TableName}`;
      if ("RequestItems" in input) {
        const [[name, items]] = Object.entries(input.RequestItems as object) as [[string, unknown[]]];
        input.RequestItems = { [`dev-${name}`]: items };
        input.ReturnConsumedCapacity = "TOTAL";
      }
      const result = await next(args);
      outputs.push(result.output as object);
      return result;
    });
    await using store = dynamodbStore({ table, client });
    await store.provision();
    const bucket = await store.open("prefixed");
    await bucket.set("key", new Uint8Array([1]));
    expect(await bucket.get("key")).toEqual(new Uint8Array([1]));
    expect((await bucket.listKeys()).keys).toEqual(["key"]);
    const capacities = outputs.filter(
      (output) => "ConsumedCapacity" in output && output.ConsumedCapacity !== undefined,
    );
    expect(capacities).toMatchObject([
      { ConsumedCapacity: [{ TableName: `dev-${table}` }] },
      { ConsumedCapacity: [{ TableName: `dev-${table}` }] },
    ]);
    const direct = dynamodbDriver({ table, endpoint });
    expect((await direct.get(request({ bucket: "prefixed", keys: ["key"] }))).values).toEqual([undefined]);
    await direct.close();
    await bucket.delete("key");
    await client.send(new DeleteTableCommand({ TableName: table }));
    client.destroy();
  });

  test.each<[string, (input: ChangedInput) => unknown]>([
    ["adds an item", (input) => input.RequestItems?.[table]?.push({ DeleteRequest: { Key: {} } })],
    ["adds a table", (input) => Object.assign(input.RequestItems as object, { other: [] })],
  ])("initialize: a change that %s makes the call fail before anything is sent", async (_, change) => {
    const client = new DynamoDBClient({ endpoint });
    client.middlewareStack.add((next) => (args) => {
      change(args.input as ChangedInput);
      return next(args);
    });
    const fault = await faultOf(dynamodbDriver({ table, client }));
    expect(fault).toMatchObject({ code: "invalid-argument", retryable: false, effect: "none" });
    expect(fault.reason).toContain("middleware of the `client`");
    client.destroy();
  });

  test("added after the first call: sees every later request", async () => {
    const client = new DynamoDBClient({ endpoint });
    const driver = dynamodbDriver({ table, client });
    await driver.set(write());
    const seen: unknown[] = [];
    client.middlewareStack.add((next, context) => (args) => {
      seen.push(context.commandName);
      return next(args);
    });
    for (const _ of rounds) await driver.set(write());
    expect(seen).toEqual(rounds.map(() => "BatchWriteItemCommand"));
    client.destroy();
  });

  test.each(["serialize", "build", "finalizeRequest"] as const)("%s: can add a header, which is sent", async (step) => {
    await using proxy = await startProxy(endpoint);
    const seen: unknown[] = [];
    proxy.handler = (exchange) => {
      seen.push(exchange.headers["x-trace"]);
      return passThrough(exchange);
    };
    const client = new DynamoDBClient({ endpoint: proxy.url });
    client.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers["x-trace"] = step;
        return next(args);
      },
      { step: step as "build", priority: "low" },
    );
    const driver = dynamodbDriver({ table, client });
    for (const _ of rounds) await driver.set(write());
    expect(seen).toEqual(rounds.map(() => step));
    client.destroy();
  });

  test("build: sees the body", async () => {
    const client = new DynamoDBClient({ endpoint });
    const bodies: string[] = [];
    client.middlewareStack.add(
      (next) => (args) => {
        bodies.push(String((args.request as { body: unknown }).body));
        return next(args);
      },
      { step: "build" },
    );
    const driver = dynamodbDriver({ table, client });
    for (const _ of rounds) await driver.set(write());
    expect(bodies).toHaveLength(rounds.length);
    for (const body of bodies) expect(JSON.parse(body).RequestItems[table]).toHaveLength(1);
    client.destroy();
  });

  test("deserialize: sees the status", async () => {
    const client = new DynamoDBClient({ endpoint });
    const seen: unknown[] = [];
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        seen.push((result.response as { statusCode: number }).statusCode);
        return result;
      },
      { step: "deserialize" },
    );
    const driver = dynamodbDriver({ table, client });
    for (const _ of rounds) await driver.set(write());
    expect(seen).toEqual(rounds.map(() => 200));
    client.destroy();
  });

  test("a logger sees every request", async () => {
    const seen: unknown[] = [];
    const log = (entry: unknown): unknown => seen.push(entry);
    const logger = { trace: log, debug() {}, info: log, warn() {}, error: log };
    const client = new DynamoDBClient({ endpoint, logger });
    const driver = dynamodbDriver({ table, client });
    for (const _ of rounds) await driver.set(write());
    const commands = seen.filter((entry) => JSON.stringify(entry).includes("BatchWriteItemCommand"));
    expect(commands).toHaveLength(rounds.length);
    client.destroy();
  });

  test("a wrapped send sees every request", async () => {
    const client = new DynamoDBClient({ endpoint });
    const original = client.send.bind(client) as (...args: unknown[]) => unknown;
    let count = 0;
    client.send = ((...args: unknown[]) => {
      count++;
      return original(...args);
    }) as typeof client.send;
    const driver = dynamodbDriver({ table, client });
    for (const _ of rounds) await driver.set(write());
    expect(count).toBe(rounds.length);
    client.destroy();
  });
});

test.each<[string, (client: DynamoDBClient) => DynamoDBClient]>([
  ["a Proxy of a client", (client) => new Proxy(client, {})],
  ["an object that inherits from a client", (client) => Object.create(client) as DynamoDBClient],
  ["a client that accepts no new properties", (client) => Object.preventExtensions(client)],
  ["a client of a subclass", () => new (class extends DynamoDBClient {})({ endpoint })],
  ["a client that caches its middleware", () => new DynamoDBClient({ endpoint, cacheMiddleware: true })],
])("%s serves every operation", async (_, change) => {
  const client = new DynamoDBClient({ endpoint });
  const driver = dynamodbDriver({ table, client: change(client) });
  for (const bytes of rounds.map((round) => new Uint8Array([round]))) {
    await driver.set(request({ bucket: "odd", keys: ["key"], values: [bytes] }));
    expect((await driver.get(request({ bucket: "odd", keys: ["key"] }))).values).toEqual([bytes]);
  }
  expect((await driver.list(request({ bucket: "odd" }))).keys).toEqual(["key"]);
  await driver.delete(request({ bucket: "odd", keys: ["key"] }));
  client.destroy();
});

test("wrappers in the prototype of all clients see every request", async () => {
  const { send } = DynamoDBClient.prototype;
  let count = 0;
  const owner = Object.getPrototypeOf(DynamoDBClient.prototype) as { send: unknown };
  owner.send = function (this: DynamoDBClient, ...args: unknown[]) {
    count++;
    return Reflect.apply(send, this, args);
  };
  try {
    const driver = dynamodbDriver({ table, endpoint });
    for (const _ of rounds) await driver.set(write());
    expect(count).toBe(rounds.length);
    await driver.close();
  } finally {
    owner.send = send;
  }
});

test("a mocked send makes a call fail with an error that names the option to correct", async () => {
  const client = new DynamoDBClient({ endpoint });
  client.send = (async () => ({})) as unknown as typeof client.send;
  const fault = await faultOf(dynamodbDriver({ table, client }));
  expect(fault).toMatchObject({ code: "invalid-argument", retryable: false, effect: "none" });
  expect(fault.reason).toContain("`client`");
  client.destroy();
});

describe("the driver", () => {
  test("uses the caller's agent for every request", async () => {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    const client = new DynamoDBClient({ endpoint, requestHandler: { httpAgent } });
    const driver = dynamodbDriver({ table, client });
    const key = Object.assign(new URL(endpoint));
    for (const _ of rounds) await driver.set(write());
    expect(Object.keys(httpAgent.freeSockets)).toEqual([expect.stringContaining(key.port)]);
    client.destroy();
  });

  test("uses the caller's request handler, with a real AbortSignal", async () => {
    const inner = new DynamoDBClient({ endpoint }).config.requestHandler;
    const signals: unknown[] = [];
    const requestHandler = {
      ...inner,
      handle: (message: never, options: { abortSignal?: unknown } = {}) => {
        signals.push(options.abortSignal);
        return inner.handle(message, options as never);
      },
      destroy: () => inner.destroy?.(),
    };
    const client = new DynamoDBClient({ endpoint, requestHandler: requestHandler as never });
    const driver = dynamodbDriver({ table, client });
    for (const _ of rounds) await driver.set(write());
    expect(signals).toHaveLength(rounds.length);
    for (const signal of signals) expect(signal).toBeInstanceOf(AbortSignal);
    client.destroy();
  });

  test("counts requests as sent if the request handler does not use node:http", async () => {
    const handle = (): Promise<never> => Promise.reject(new Error("canary"));
    const requestHandler = { handle, metadata: { handlerProtocol: "h2" }, destroy() {} };
    const client = new DynamoDBClient({ endpoint, requestHandler: requestHandler as never });
    expect(await faultOf(dynamodbDriver({ table, client }))).toMatchObject({ effect: "unknown" });
    client.destroy();
  });

  test("uses the caller's endpoint", async () => {
    await using proxy = await startProxy(endpoint);
    const client = new DynamoDBClient({ endpoint: `${proxy.url}/` });
    const driver = dynamodbDriver({ table, client });
    for (const _ of rounds) await driver.set(write());
    expect(proxy.count("BatchWriteItem")).toBe(rounds.length);
    expect(driver.server?.port).toBe(Number(new URL(proxy.url).port));
    client.destroy();
  });

  test("reports the caller's request timeout as a lost connection with an unknown effect", async () => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = inTurn(passThrough, hangAfter);
    const requestHandler = { requestTimeout: 100, throwOnRequestTimeout: true };
    const client = new DynamoDBClient({ endpoint: proxy.url, requestHandler });
    const driver = dynamodbDriver({ table, client });
    await driver.set(write());
    expect(await faultOf(driver)).toMatchObject({
      code: "connection-lost",
      retryable: true,
      effect: "unknown",
    });
    client.destroy();
  });
});

describe("middleware of the caller that retries", () => {
  test.each([
    ["every attempt was rejected", [fail(400, "ThrottlingException")], "throttled", "none"],
    ["an earlier attempt got no response", [resetAfter, fail(400, "ThrottlingException")], "throttled", "unknown"],
    [
      "an earlier attempt failed with a server error",
      [fail(500, "InternalServerError"), fail(400, "ValidationException")],
      "internal",
      "unknown",
    ],
    ["the last attempt got no response", [fail(400, "ThrottlingException"), resetBefore], "connection-lost", "unknown"],
  ] as const)("leads to the right fault if %s", async (_, handlers, code, effect) => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = inTurn(...handlers);
    const client = retryingClient(proxy.url);
    expect(await faultOf(dynamodbDriver({ table, client }))).toMatchObject({ code, effect });
    expect(proxy.count("BatchWriteItem")).toBe(3);
    client.destroy();
  });

  test("makes a request succeed if its last attempt succeeds", async () => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = inTurn(resetAfter, passThrough);
    const client = retryingClient(proxy.url);
    expect(await dynamodbDriver({ table, client }).set(write())).toEqual({});
    client.destroy();
  });

  function retryingClient(url: string): DynamoDBClient {
    const client = new DynamoDBClient({ endpoint: url });
    client.middlewareStack.add(
      (next) => async (args) => {
        const once = (): ReturnType<typeof next> => next({ ...args });
        return once().catch(once).catch(once);
      },
      { step: "finalizeRequest", priority: "high" },
    );
    return client;
  }
});
