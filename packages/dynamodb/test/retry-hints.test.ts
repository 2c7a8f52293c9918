import { answerJson, type HttpHandler, passThrough } from "@manykv/conformance/faults";
import { describe, expect, test } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { retryHint } from "../src/retry-hint.js";
import { fail } from "./support/behaviours.js";
import { driverUnderFaults, ways } from "./support/driver-under-faults.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const throttling = { __type: "com.amazonaws.dynamodb.v20120810#ThrottlingException" };

function throttle(headers: Record<string, string>, body: object = throttling): HttpHandler {
  return (exchange) => exchange.reply({ status: 400, headers, body: Buffer.from(JSON.stringify(body)) });
}

describe.each(ways)("through %s", (way) => {
  const { faultOf } = driverUnderFaults(table, way);

  test.each<[string, HttpHandler, number]>([
    ["x-amz-retry-after, in milliseconds", throttle({ "x-amz-retry-after": "150" }), 150],
    ["Retry-After, in seconds", throttle({ "retry-after": "2" }), 2_000],
    ["a member of the body", throttle({}, { ...throttling, retryAfterSeconds: 3 }), 3_000],
    ["Retry-After of a proxy", (exchange) => exchange.reply({ status: 503, headers: { "retry-after": "1" } }), 1_000],
    [
      "Retry-After with status 429",
      (exchange) => exchange.reply({ status: 429, headers: { "retry-after": "1" } }),
      1_000,
    ],
  ])("%s tells core how long to wait", async (_, handler, retryAfter) => {
    expect(await faultOf("get", handler)).toMatchObject({ retryable: true, retryAfter });
  });

  test("without a hint, core decides", async () => {
    expect((await faultOf("get", fail(400, "ThrottlingException"))).retryAfter).toBeUndefined();
  });

  test.each([
    ["ThrottlingReasons", "ProvisionedThroughputExceededException"],
    ["throttlingReasons", "ThrottlingException"],
  ])("the reason of a throttled request is the limit that was reached: %s of %s", async (member, name) => {
    const reason = "TableWriteKeyRangeThroughputExceeded";
    const reasons = [{ reason, resource: "arn:aws:dynamodb:eu-west-1:1:table/canary" }];
    const body = { __type: `com.amazonaws.dynamodb.v20120810#${name}`, [member]: reasons };
    const fault = await faultOf("set", answerJson(400, body));
    expect(fault).toMatchObject({ code: "throttled", retryable: true, effect: "none", reason });
    expect(JSON.stringify(fault)).not.toContain("canary");
  });

  test.each([{}, null, [], [null], [{ reason: "a value" }], "text"])("ignores the odd reasons %j", async (reasons) => {
    const fault = await faultOf("set", answerJson(400, { ...throttling, ThrottlingReasons: reasons }));
    expect(fault).toMatchObject({ code: "throttled", reason: "ThrottlingException" });
  });
});

test.each<[unknown, number | undefined]>([
  ["0", 0],
  ["0.5", 500],
  ["-1", undefined],
  ["soon", undefined],
  ["", undefined],
  ["1e9", undefined],
  ["Thu, 01 Jan 1970 00:00:00 GMT", undefined],
])("Retry-After: %s", (text, expected) => {
  expect(retryHint({ "retry-after": text })).toBe(expected);
});

test("Retry-After may be a date", () => {
  const delay = retryHint({ "retry-after": new Date(Date.now() + 60_000).toUTCString() });
  expect(delay).toBeGreaterThan(50_000);
  expect(delay).toBeLessThanOrEqual(60_000);
});

test("a call waits as long as the service asks, and then succeeds", async () => {
  await using proxy = await startProxy(table.endpoint);
  await using store = dynamodbStore({ table: table.name, endpoint: proxy.url, retry: { baseDelay: 0 } });
  const bucket = await store.open("bucket");
  await bucket.get("warm-up");
  proxy.handler = (exchange) =>
    exchange.number === 2 ? throttle({ "x-amz-retry-after": "300" })(exchange) : passThrough(exchange);
  expect(await bucket.get("key")).toBeUndefined();
  const [, throttled, repeated] = proxy.requests;
  expect((repeated?.at ?? 0) - (throttled?.at ?? 0)).toBeGreaterThanOrEqual(299);
});
