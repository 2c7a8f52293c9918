import type { Driver, Fault } from "@manykv/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dynamodbDriver } from "../src/index.js";
import { answerJson, damage, fail, hang, hangAfter, resetAfter, resetBefore } from "./support/behaviours.js";
import { type Behaviour, type FaultProxy, pass, startFaultProxy } from "./support/fault-proxy.js";
import { request } from "./support/request.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint, driver: direct } = testTable();
let proxy: FaultProxy;
let driver: Driver;

beforeAll(async () => {
  proxy = await startFaultProxy(endpoint);
  driver = dynamodbDriver({ table, endpoint: proxy.endpoint });
});
afterAll(async () => {
  await driver.close();
  await proxy[Symbol.asyncDispose]();
});
beforeEach(() => {
  proxy.behave = pass;
});

type Call = "get" | "exists" | "set" | "delete" | "list";
const calls: readonly Call[] = ["get", "exists", "set", "delete", "list"];
const keys = ["one", "two", "three"];
const values = [new Uint8Array([1]), new Uint8Array([2]), new Uint8Array([3])];

async function faultOf(call: Call, behave: Behaviour, signal = new AbortController().signal): Promise<Fault> {
  proxy.behave = behave;
  const sent = driver[call]?.(request({ keys, values, signal }));
  return (sent as Promise<unknown>).then(
    (answer) => expect.fail(`answered ${JSON.stringify(answer)}`),
    (error: unknown) => driver.classify(error),
  );
}

describe.each(calls)("%s", (call) => {
  test.each([
    ["a reset before the server saw it", resetBefore],
    ["a reset after the server did it", resetAfter],
  ])("%s is a lost connection of unknown effect", async (_, behave) => {
    expect(await faultOf(call, behave)).toMatchObject({
      code: "connection-lost",
      retryable: true,
      effect: "unknown",
    });
  });

  test.each([
    ["ThrottlingException", 400, "throttled", true, "none"],
    ["ProvisionedThroughputExceededException", 400, "throttled", true, "none"],
    ["InternalServerError", 500, "unavailable", true, "unknown"],
    ["ServiceUnavailable", 503, "unavailable", true, "unknown"],
    ["ExpiredTokenException", 400, "access-denied", false, "none"],
    ["AccessDeniedException", 400, "access-denied", false, "none"],
    ["UnrecognizedClientException", 400, "access-denied", false, "none"],
    ["ValidationException", 400, "internal", false, "none"],
  ])("%s", async (name, status, code, retryable, effect) => {
    const fault = await faultOf(call, fail(status, name, "canary"));
    expect(fault).toEqual({ code, retryable, effect, reason: name });
  });

  test.each([
    ["an answer cut in half", (body: Buffer) => body.subarray(0, body.length / 2)],
    ["an empty answer", () => Buffer.alloc(0)],
    ["an answer that is no JSON", () => Buffer.from("<html>hello</html>")],
    ["an empty object", () => Buffer.from("{}")],
    ["null", () => Buffer.from("null")],
    ["a list", () => Buffer.from("[]")],
    [
      "lists in place of objects",
      () => Buffer.from('{"Responses":[],"UnprocessedKeys":[],"UnprocessedItems":[],"Items":{}}'),
    ],
    ["text in place of lists", () => Buffer.from(partsWith("text"))],
    ["items without key", () => Buffer.from(partsWith([{ v: { B: "" } }]))],
    ["a key of another bucket", () => Buffer.from(partsWith([{ k: { S: "other:one" } }]))],
    ["another table", () => Buffer.from(partsWith([], "another"))],
  ])("%s is neither done nor missing", async (_, change) => {
    const fault = await faultOf(call, damage(change as (body: Buffer) => Buffer));
    expect(fault).toMatchObject({
      code: "unavailable",
      retryable: true,
      effect: "unknown",
      reason: "MalformedAnswer",
    });
  });

  test("an answer that does not fit its checksum is neither done nor missing", async () => {
    const fault = await faultOf(
      call,
      damage((body) => Buffer.concat([body, Buffer.from(" ")]), { keepChecksum: true }),
    );
    expect(fault).toMatchObject({
      code: "unavailable",
      retryable: true,
      effect: "unknown",
      reason: "ChecksumMismatch",
    });
  });

  test("a connection that breaks inside the answer is lost, with unknown effect", async () => {
    const fault = await faultOf(call, async (passage) => passage.replyInHalf(await passage.forward()));
    expect(fault).toMatchObject({ code: "connection-lost", retryable: true, effect: "unknown" });
  });

  test.each([
    ["that has not reached the server", hang],
    ["that the server has done", hangAfter],
  ])("silence after a request %s ends with the signal, of unknown effect", async (_, behave) => {
    const fault = await faultOf(call, behave, AbortSignal.timeout(150));
    expect(fault).toMatchObject({ code: "timeout", retryable: true, effect: "unknown" });
  });

  test("a signal that has fired already sends nothing", async () => {
    const before = proxy.count("BatchGetItem") + proxy.count("BatchWriteItem") + proxy.count("Scan");
    const fault = await faultOf(call, pass, AbortSignal.abort());
    expect(fault).toMatchObject({ code: "timeout", effect: "none" });
    expect(proxy.count("BatchGetItem") + proxy.count("BatchWriteItem") + proxy.count("Scan")).toBe(before);
  });

  test("an error page of a proxy between is not believed", async () => {
    const page = Buffer.from("<html>canary</html>");
    for (const [status, code] of [
      [502, "unavailable"],
      [404, "internal"],
      [200, "unavailable"],
    ] as const) {
      const headers = { "content-type": "text/html" };
      const fault = await faultOf(call, (passage) => passage.reply({ status, headers, body: page }));
      expect(fault).toMatchObject({ code, effect: "unknown" });
      expect(JSON.stringify(fault)).not.toContain("canary");
    }
  });

  test("a missing table is no-such-store", async () => {
    const lost = dynamodbDriver({ table: "manykv_no_such_table", endpoint });
    const error = await lost[call]?.(request({ keys, values })).catch((reason: unknown) => reason);
    expect(lost.classify(error)).toMatchObject({ code: "no-such-store", retryable: false, effect: "none" });
    await lost.close();
  });

  test("a port where nothing listens is unavailable, and nothing was sent", async () => {
    const lost = dynamodbDriver({ table, endpoint: "http://127.0.0.1:1" });
    const error = await lost[call]?.(request({ keys, values })).catch((reason: unknown) => reason);
    expect(lost.classify(error)).toMatchObject({ code: "unavailable", retryable: true, effect: "none" });
    await lost.close();
  });
});

/** An answer of any operation with the same thing wherever items stand. */
function partsWith(items: unknown, name = table): string {
  return JSON.stringify({
    Responses: { [name]: items },
    UnprocessedKeys: {},
    UnprocessedItems: { [name]: items },
    Items: items,
    ...(name === table ? {} : { Items: undefined }),
  });
}

describe("answers in part", () => {
  test.each(["get", "exists", "set", "delete"] as const)(
    "%s: a key that was not asked for is refused",
    async (call) => {
      const body = Buffer.from(partsWith([{ k: { S: "bucket:four" } }]));
      expect(
        await faultOf(
          call,
          damage(() => body),
        ),
      ).toMatchObject({ reason: "MalformedAnswer" });
    },
  );

  test("an item without a binary value fails for its key alone", async () => {
    await direct.set(request({ keys, values }));
    proxy.behave = damage((body) => {
      const answer = JSON.parse(body.toString()) as {
        Responses: Record<string, { k: { S: string }; v?: unknown }[]>;
      };
      for (const item of answer.Responses[table] ?? []) if (item.k.S === "bucket:two") item.v = { S: "text" };
      return Buffer.from(JSON.stringify(answer));
    });
    const { values: read, faults } = await driver.get(request({ keys }));
    expect([read[0], read[2]]).toEqual([values[0], values[2]]);
    expect(faults).toMatchObject([{ index: 1, code: "internal", retryable: false }]);
  });

  test("unprocessed writes are named by index, whatever their order", async () => {
    const left = [
      { PutRequest: { Item: { k: { S: "bucket:three" }, v: { B: "AA==" } } } },
      { PutRequest: { Item: { k: { S: "bucket:one" } } } },
    ];
    proxy.behave = answerJson(200, { UnprocessedItems: { [table]: left } });
    expect(await driver.set(request({ keys, values }))).toEqual({ unprocessed: [2, 0] });
    proxy.behave = answerJson(200, {
      UnprocessedItems: { [table]: [{ DeleteRequest: { Key: { k: { S: "bucket:two" } } } }] },
    });
    expect(await driver.delete(request({ keys }))).toEqual({ unprocessed: [1] });
  });

  test("unprocessed reads are named by index, and the rest is read", async () => {
    const found = [{ k: { S: "bucket:three" }, v: { B: "Aw==" } }];
    proxy.behave = answerJson(200, {
      Responses: { [table]: found },
      UnprocessedKeys: { [table]: { Keys: [{ k: { S: "bucket:one" } }], ConsistentRead: true } },
    });
    const answer = await driver.get(request({ keys }));
    expect(answer.unprocessed).toEqual([0]);
    expect(answer.values.slice(1)).toEqual([undefined, values[2]]);
  });
});
