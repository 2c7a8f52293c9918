import { answerJson } from "@manykv/conformance/faults";
import { describe, expect, test } from "vitest";
import { damage } from "./support/behaviours.js";
import { type Call, calls, driverUnderFaults, keys, values, ways } from "./support/driver-under-faults.js";
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

interface DamagedAnswer {
  readonly what: string;
  readonly change: (body: Buffer) => string;
  /** Calls to which this is a valid response. */
  readonly validFor?: readonly Call[];
}

const damagedAnswers: readonly DamagedAnswer[] = [
  { what: "a response cut in half", change: (body) => body.toString().slice(0, body.length / 2) },
  { what: "an empty response", change: () => "" },
  { what: "a response that is not JSON", change: () => "<html>hello</html>" },
  { what: "an empty object", change: () => "{}", validFor: ["setIfAbsent", "compareAndSwap"] },
  { what: "null", change: () => "null" },
  { what: "an array", change: () => "[]" },
  { what: "text", change: () => '"Responses"' },
  {
    what: "arrays instead of objects",
    change: () => '{"Responses":[],"UnprocessedKeys":[],"UnprocessedItems":[],"Items":{}}',
  },
  { what: "text instead of arrays", change: () => answerWith("text") },
  { what: "items without a key", change: () => answerWith([{ v: { B: "" } }]) },
  { what: "a key of another bucket", change: () => answerWith([{ k: { S: "other:one" } }]), validFor: ["listBuckets"] },
  { what: "another table", change: () => answerWith([], "another") },
];

describe.each(ways)("through %s", (way) => {
  const subject = driverUnderFaults(table, way);
  const { faultOf } = subject;

  describe.each(calls)("%s", (call) => {
    test.each(damagedAnswers.filter(({ validFor = [] }) => !validFor.includes(call)))(
      "$what counts as neither success nor a missing key",
      async ({ change }) => {
        const fault = await faultOf(
          call,
          damage((body) => Buffer.from(change(body))),
        );
        const reason = "MalformedAnswer";
        expect(fault).toEqual({ code: "unavailable", retryable: true, effect: "unknown", reason });
      },
    );
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

  const malformed = { code: "unavailable", retryable: true, effect: "unknown", reason: "MalformedAnswer" };
  const one = item("one", { B: "AQ==" });
  const two = item("two", { B: "Ag==" });
  const three = item("three", { B: "Aw==" });
  const reads = (responses: unknown, unprocessed: unknown = {}): string =>
    JSON.stringify({ Responses: responses, UnprocessedKeys: unprocessed });
  const respond = (body: string) => damage(() => Buffer.from(body));

  test.each([
    ["null instead of the items", reads({ [name]: null })],
    ["null instead of the unprocessed keys", reads({ [name]: [one, two, three] }, { [name]: null })],
    ["no items for the table", reads({})],
    ["no items for the table, and too few unprocessed keys", reads({}, { [name]: { Keys: [item("one")] } })],
    ["an empty list of unprocessed keys", reads({ [name]: [] }, { [name]: { Keys: [] } })],
    ["unprocessed keys without a list", reads({ [name]: [] }, { [name]: {} })],
    ["the same item twice", reads({ [name]: [one, one] })],
    ["the same unprocessed key twice", reads({ [name]: [] }, { [name]: { Keys: [item("one"), item("one")] } })],
    ["an item whose key is also unprocessed", reads({ [name]: [one] }, { [name]: { Keys: [item("one")] } })],
    ["an unprocessed key that was not requested", reads({ [name]: [one] }, { [name]: { Keys: [item("four")] } })],
    ["a key with two types", reads({ [name]: [{ k: { S: "bucket:one", N: "1" }, v: { B: "" } }] })],
    ["a key with a lone surrogate", reads({ [name]: [{ k: { S: "bucket:\ud800" }, v: { B: "" } }] })],
    ["two lists of items", `{"Responses":{"${name}":[]},"Responses":{"${name}":[]},"UnprocessedKeys":{}}`],
    [
      "two lists of items, and spaces",
      `{ "Responses" : {"${name}":[]},"Responses":{"${name}":[]},"UnprocessedKeys":{}}`,
    ],
    [
      "two keys in one item",
      `{"Responses":{"${name}":[{"k":{"S":"bucket:one"},"\\u006b":{"S":"bucket:two"}}]},"UnprocessedKeys":{}}`,
    ],
    ["a member __proto__", `{"__proto__":{"Responses":{"${name}":[]}},"UnprocessedKeys":{}}`],
    ["a table __proto__", `{"Responses":{"__proto__":[]},"UnprocessedKeys":{}}`],
  ])("get and exists reject %s", async (_, body) => {
    for (const call of ["get", "exists"] as const) expect(await faultOf(call, respond(body))).toEqual(malformed);
  });

  test.each([
    "AQ=",
    "AQ",
    "AQ==\n",
    " AQ==",
    "A Q=",
    "AR==",
    "AAB=",
    "-_8=",
    "A=AA",
    "====",
    "AQ==AQ==",
    "A",
    "\u00e9",
  ])("get rejects the value %j, which is not base64", async (base64) => {
    const body = reads({ [name]: [item("one", { B: base64 }), two, three] });
    expect(await faultOf("get", respond(body))).toEqual(malformed);
  });

  test("get rejects a response that is not UTF-8", async () => {
    const body = Buffer.from(reads({ [name]: [] }).replace("}}", '},"x":"?"}'));
    body[body.indexOf("?")] = 0xff;
    const fault = await faultOf(
      "get",
      damage(() => body),
    );
    expect(fault).toEqual(malformed);
  });

  test("get accepts other JSON for the same response", async () => {
    const body = `{ "UnprocessedKeys": {},\n "Responses": { "${name}": [ {"v":{"B":"A\\u0051=="},"k":{"S":"bucket:one"}} ] } }`;
    subject.proxy.handler = respond(body);
    expect((await subject.driver.get(request({ keys }))).values).toEqual([values[0], undefined, undefined]);
  });

  test("get accepts a response without items if all keys are unprocessed", async () => {
    const all = { [name]: { Keys: keys.map((key) => item(key)) } };
    subject.proxy.handler = respond(reads({}, all));
    expect((await subject.driver.get(request({ keys }))).unprocessed).toEqual([0, 1, 2]);
  });

  test.each([
    ["null", null],
    ["an empty list", []],
    ["the same item twice", [{ PutRequest: { Item: one } }, { PutRequest: { Item: one } }]],
    ["an item with another value", [{ PutRequest: { Item: item("one", { B: "Ag==" }) } }]],
    ["an item without a value", [{ PutRequest: { Item: item("one") } }]],
    ["a deleted key", [{ DeleteRequest: { Key: item("one") } }]],
    ["a put and a delete", [{ PutRequest: { Item: one }, DeleteRequest: { Key: item("one") } }]],
  ])("set rejects %s as unprocessed items", async (_, items) => {
    const body = JSON.stringify({ UnprocessedItems: { [name]: items } });
    expect(await faultOf("set", respond(body))).toEqual(malformed);
  });

  test("delete rejects unprocessed items that were put", async () => {
    const body = JSON.stringify({ UnprocessedItems: { [name]: [{ PutRequest: { Item: one } }] } });
    expect(await faultOf("delete", respond(body))).toEqual(malformed);
  });

  test.each([
    ["more items than it counts", { Items: [item("one")], Count: 0, ScannedCount: 1 }],
    ["fewer items than it counts", { Items: [], Count: 1, ScannedCount: 1 }],
    ["null as the last key", { Items: [], Count: 0, LastEvaluatedKey: null }],
    ["a last key without attributes", { Items: [], Count: 0, LastEvaluatedKey: {} }],
    ["a last key that is a list", { Items: [], Count: 0, LastEvaluatedKey: [{ S: "bucket:one" }] }],
    ["a last key that is text", { Items: [], Count: 0, LastEvaluatedKey: { k: "bucket:one" } }],
    ["an item of another bucket", { Items: [{ k: { S: "other:one" } }], Count: 1 }],
  ])("list rejects %s", async (_, body) => {
    expect(await faultOf("list", respond(JSON.stringify(body)))).toEqual(malformed);
  });

  test("list rejects a page that ends where it started", async () => {
    const page = { Items: [], Count: 0, ScannedCount: 1, LastEvaluatedKey: { k: { S: "bucket:one" } } };
    subject.proxy.handler = respond(JSON.stringify(page));
    const { cursor } = await subject.driver.list(request());
    const error = await subject.driver.list(request(cursor === undefined ? {} : { cursor })).catch((reason) => reason);
    expect(subject.driver.classify(error)).toEqual(malformed);
  });

  test.each([
    ["another attribute", { id: { S: "1" } }],
    ["a sort key", { k: { S: "bucket:one" }, s: { S: "1" } }],
    ["a binary key", { k: { B: "AQ==" } }],
    ["a number as its key", { k: { N: "1" } }],
  ])("list rejects a table whose last key has %s", async (_, LastEvaluatedKey) => {
    const body = JSON.stringify({ Items: [], Count: 0, LastEvaluatedKey });
    const fault = await faultOf("list", respond(body));
    expect(fault).toMatchObject({ code: "invalid-argument", retryable: false, effect: "none" });
    expect(fault.reason).toContain("`keyAttribute`");
  });

  describe.each(calls)("%s: an error with status 200", (call) => {
    test.each([
      ["in the body", { body: '{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}', headers: {} }],
      ["in a header", { body: "{}", headers: { "x-amzn-errortype": "ThrottlingException" } }],
    ])("%s counts as that error", async (_, { body, headers }) => {
      const fault = await faultOf(call, (passage) => passage.reply({ status: 200, headers, body: Buffer.from(body) }));
      expect(fault).toMatchObject({
        code: "throttled",
        retryable: true,
        effect: "none",
        reason: "ThrottlingException",
      });
    });
  });

  describe.each(calls)("%s: a response of a proxy", (call) => {
    test.each([
      [413, "too-large", false, "none"],
      [429, "throttled", true, "none"],
      [403, "access-denied", false, "none"],
      [407, "access-denied", false, "none"],
      [408, "unavailable", true, "unknown"],
      [503, "unavailable", true, "unknown"],
      [302, "unavailable", false, "unknown"],
      [204, "internal", false, "unknown"],
      [418, "internal", false, "unknown"],
    ])("with status %i says what to do", async (status, code, retryable, effect) => {
      const headers = { "content-type": "text/html", location: "http://127.0.0.1:1/canary" };
      const body = Buffer.from(status === 204 ? "" : "<html>canary</html>");
      const fault = await faultOf(call, (passage) => passage.reply({ status, headers, body }));
      expect(fault).toMatchObject({ code, retryable, effect, reason: expect.stringContaining(`HTTP ${status}`) });
      expect(JSON.stringify(fault)).not.toContain("canary");
    });

    test("with status 200 and HTML is not repeated", async () => {
      const headers = { "content-type": "text/html; charset=utf-8" };
      const body = Buffer.from("<html>hello</html>");
      const fault = await faultOf(call, (passage) => passage.reply({ status: 200, headers, body }));
      expect(fault).toMatchObject({ code: "unavailable", retryable: false, effect: "unknown" });
      expect(fault.reason).toContain("`endpoint`");
    });
  });

  test("an item without a binary value fails only its key", async () => {
    const items = [item("one", { B: "AQ==" }), item("two", { S: "text" }), item("three", { B: "Aw==" })];
    subject.proxy.handler = answerJson(200, { Responses: { [name]: items }, UnprocessedKeys: {} });
    const { values: read, faults } = await subject.driver.get(request({ keys }));
    expect([read[0], read[2]]).toEqual([values[0], values[2]]);
    expect(faults).toMatchObject([{ index: 1, code: "internal", retryable: false }]);
  });

  test("reports unprocessed writes by index, in the order of the response", async () => {
    const puts = [
      { PutRequest: { Item: item("three", { B: "Aw==" }) } },
      { PutRequest: { Item: item("one", { B: "AQ==" }) } },
    ];
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
