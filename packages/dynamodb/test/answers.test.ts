import { answerJson } from "@manykv/conformance/faults";
import { describe, expect, test } from "vitest";
import { damage } from "./support/behaviours.js";
import { calls, driverUnderFaults, keys, values, ways } from "./support/driver-under-faults.js";
import { request } from "./support/request.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const { name } = table;

/** Returns a response that fits any operation, with `items` in every place where a response contains items. */
function answerWith(items: unknown, under: string = name): string {
  const parts = { Responses: { [under]: items }, UnprocessedKeys: {}, UnprocessedItems: { [under]: items } };
  return JSON.stringify(under === name ? { ...parts, Items: items } : parts);
}

function item(key: string, value?: unknown): unknown {
  return { k: { S: `bucket:${key}` }, ...(value === undefined ? {} : { v: value }) };
}

describe.each(ways)("through %s", (way) => {
  const subject = driverUnderFaults(table, way);
  const { faultOf } = subject;

  describe.each(calls)("%s", (call) => {
    test.each<[string, (body: Buffer) => string]>([
      ["a response cut in half", (body) => body.toString().slice(0, body.length / 2)],
      ["an empty response", () => ""],
      ["a response that is not JSON", () => "<html>hello</html>"],
      ["an empty object", () => "{}"],
      ["null", () => "null"],
      ["an array", () => "[]"],
      ["text", () => '"Responses"'],
      ["arrays instead of objects", () => '{"Responses":[],"UnprocessedKeys":[],"UnprocessedItems":[],"Items":{}}'],
      ["text instead of arrays", () => answerWith("text")],
      ["items without a key", () => answerWith([{ v: { B: "" } }])],
      ["a key of another bucket", () => answerWith([{ k: { S: "other:one" } }])],
      ["another table", () => answerWith([], "another")],
    ])("%s counts as neither success nor a missing key", async (_, change) => {
      const fault = await faultOf(
        call,
        damage((body) => Buffer.from(change(body))),
      );
      const reason = "MalformedAnswer";
      expect(fault).toEqual({ code: "unavailable", retryable: true, effect: "unknown", reason });
    });
  });

  test.each(["get", "exists", "set", "delete"] as const)(
    "%s rejects a response with a key that was not requested",
    async (call) => {
      const body = Buffer.from(answerWith([item("four")]));
      const fault = await faultOf(
        call,
        damage(() => body),
      );
      expect(fault.reason).toBe("MalformedAnswer");
    },
  );

  test("an item without a binary value fails only its key", async () => {
    const items = [item("one", { B: "AQ==" }), item("two", { S: "text" }), item("three", { B: "Aw==" })];
    subject.proxy.handler = answerJson(200, { Responses: { [name]: items }, UnprocessedKeys: {} });
    const { values: read, faults } = await subject.driver.get(request({ keys }));
    expect([read[0], read[2]]).toEqual([values[0], values[2]]);
    expect(faults).toMatchObject([{ index: 1, code: "internal", retryable: false }]);
  });

  test("reports unprocessed writes by index, in the order of the response", async () => {
    const puts = [{ PutRequest: { Item: item("three", { B: "Aw==" }) } }, { PutRequest: { Item: item("one") } }];
    subject.proxy.handler = answerJson(200, { UnprocessedItems: { [name]: puts } });
    expect(await subject.driver.set(request({ keys, values }))).toEqual({ unprocessed: [2, 0] });
    const deletes = [{ DeleteRequest: { Key: item("two") } }];
    subject.proxy.handler = answerJson(200, { UnprocessedItems: { [name]: deletes } });
    expect(await subject.driver.delete(request({ keys }))).toEqual({ unprocessed: [1] });
  });

  test("reports unprocessed reads by index and returns the other values", async () => {
    subject.proxy.handler = answerJson(200, {
      Responses: { [name]: [item("three", { B: "Aw==" })] },
      UnprocessedKeys: { [name]: { Keys: [item("one")], ConsistentRead: true } },
    });
    const { values: read, unprocessed } = await subject.driver.get(request({ keys }));
    expect(unprocessed).toEqual([0]);
    expect(read.slice(1)).toEqual([undefined, values[2]]);
  });
});
