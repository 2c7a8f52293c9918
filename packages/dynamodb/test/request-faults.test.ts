import { passThrough } from "@manykv/conformance/faults";
import { describe, expect, test } from "vitest";
import { dynamodbDriver } from "../src/index.js";
import { damage, fail, hang, hangAfter, resetAfter, resetBefore } from "./support/behaviours.js";
import { calls, driverUnderFaults, keys, values, ways } from "./support/driver-under-faults.js";
import { request } from "./support/request.js";
import { testTable } from "./support/test-table.js";

const table = testTable();

describe.each(ways)("through %s", (way) => {
  const subject = driverUnderFaults(table, way);
  const { faultOf } = subject;

  describe.each(calls)("%s", (call) => {
    test.each([
      ["a reset before the server received the request", resetBefore],
      ["a reset after the server processed the request", resetAfter],
    ])("%s is a lost connection with an unknown effect", async (_, behave) => {
      const fault = await faultOf(call, behave);
      expect(fault).toMatchObject({ code: "connection-lost", retryable: true, effect: "unknown" });
    });

    test("a reset within the response is a lost connection with an unknown effect", async () => {
      const fault = await faultOf(call, async (passage) => passage.replyHalf(await passage.forward()));
      expect(fault).toMatchObject({ code: "connection-lost", retryable: true, effect: "unknown" });
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
    ])("%s is translated to its fault", async (name, status, code, retryable, effect) => {
      const fault = await faultOf(call, fail(status, name, "canary"));
      expect(fault).toEqual({ code, retryable, effect, reason: name });
    });

    test("a response that does not match its checksum counts as neither success nor a missing key", async () => {
      const longer = damage((body) => Buffer.concat([body, Buffer.from(" ")]), { keepChecksum: true });
      const fault = await faultOf(call, longer);
      const reason = "ChecksumMismatch";
      expect(fault).toEqual({ code: "unavailable", retryable: true, effect: "unknown", reason });
    });

    test.each([
      ["that did not reach the server", hang],
      ["that the server processed", hangAfter],
    ])("a request %s and gets no response times out with an unknown effect", async (_, behave) => {
      const fault = await faultOf(call, behave, AbortSignal.timeout(150));
      expect(fault).toMatchObject({ code: "timeout", retryable: true, effect: "unknown" });
    });

    test("an aborted request sends nothing", async () => {
      const before = subject.proxy.count();
      const fault = await faultOf(call, passThrough, AbortSignal.abort());
      expect(fault).toMatchObject({ code: "timeout", effect: "none" });
      expect(subject.proxy.count()).toBe(before);
    });

    test.each([
      [502, "unavailable"],
      [404, "internal"],
      [200, "unavailable"],
    ] as const)("an HTML page of a proxy with status %i has an unknown effect", async (status, code) => {
      const headers = { "content-type": "text/html" };
      const body = Buffer.from("<html>canary</html>");
      const fault = await faultOf(call, (passage) => passage.reply({ status, headers, body }));
      expect(fault).toMatchObject({ code, effect: "unknown" });
      expect(JSON.stringify(fault)).not.toContain("canary");
    });
  });
});

describe.each(calls)("%s", (call) => {
  test("a missing table is no-such-store", async () => {
    const driver = dynamodbDriver({ table: "manykv_no_such_table", endpoint: table.endpoint });
    const error = await driver[call]?.(request({ keys, values })).catch((reason: unknown) => reason);
    expect(driver.classify(error)).toMatchObject({ code: "no-such-store", retryable: false, effect: "none" });
    await driver.close();
  });

  test("a refused connection is unavailable, and nothing was sent", async () => {
    const driver = dynamodbDriver({ table: table.name, endpoint: "http://localhost:1" });
    const error = await driver[call]?.(request({ keys, values })).catch((reason: unknown) => reason);
    const reason = "ECONNREFUSED";
    expect(driver.classify(error)).toEqual({ code: "unavailable", retryable: true, effect: "none", reason });
    await driver.close();
  });

  test("a host that does not exist is unavailable, and nothing was sent", async () => {
    const driver = dynamodbDriver({ table: table.name, endpoint: "http://no-such-host.invalid" });
    const error = await driver[call]?.(request({ keys, values })).catch((reason: unknown) => reason);
    expect(driver.classify(error)).toMatchObject({ code: "unavailable", retryable: true, effect: "none" });
    await driver.close();
  });
});
