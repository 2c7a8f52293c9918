import { once } from "node:events";
import { connect } from "node:net";
import {
  DynamoDBServiceException,
  InternalServerError,
  ProvisionedThroughputExceededException,
  RequestLimitExceeded,
  ResourceNotFoundException,
} from "@aws-sdk/client-dynamodb";
import { type Fault, FaultError } from "@manykv/core/driver";
import { describe, expect, test } from "vitest";
import { classify } from "../src/error-table.js";

const canary = "canary-text";

function serviceError(name: string, status = 400): DynamoDBServiceException {
  const $metadata = { httpStatusCode: status };
  return new DynamoDBServiceException({
    name,
    message: canary,
    $fault: status < 500 ? "client" : "server",
    $metadata,
  });
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(canary), { code, syscall });
}

/** Renames a socket error as the SDK does. */
function timeoutError(error: Error): Error {
  return Object.assign(error, { name: "TimeoutError" });
}

const throttled = { code: "throttled", retryable: true, effect: "none" };
const failed = { code: "unavailable", retryable: true, effect: "unknown" };
const denied = { code: "access-denied", retryable: false, effect: "none" };
const refused = { code: "internal", retryable: false, effect: "none" };
const unreachable = { code: "unavailable", retryable: true, effect: "none" };
const lost = { code: "connection-lost", retryable: true, effect: "unknown" };
const unknown = { code: "internal", retryable: false, effect: "unknown" };

describe("the error table", () => {
  test.each([
    ["ThrottlingException", throttled],
    ["ProvisionedThroughputExceededException", throttled],
    ["RequestLimitExceeded", throttled],
    ["TransactionConflictException", failed],
    ["ReplicatedWriteConflictException", failed],
    ["ResourceNotFoundException", { code: "no-such-store", retryable: false, effect: "none" }],
    ["ResourceInUseException", unreachable],
    ["AccessDeniedException", denied],
    ["UnrecognizedClientException", denied],
    ["InvalidSignatureException", denied],
    ["MissingAuthenticationTokenException", denied],
    ["ExpiredTokenException", denied],
    ["CredentialsProviderError", denied],
    ["ValidationException", refused],
    ["ItemCollectionSizeLimitExceededException", { code: "too-large", retryable: false, effect: "unknown" }],
    ["SomethingNewException", unknown],
  ])("translates %s", (name, row) => {
    expect(classify(serviceError(name))).toEqual({ ...row, reason: name });
  });

  test.each([
    ["InternalServerError", 500],
    ["ServiceUnavailable", 503],
    ["SomethingNewException", 500],
    ["SomethingNewException", 502],
  ])("translates %s with status %i to a fault with an unknown effect", (name, status) => {
    expect(classify(serviceError(name, status))).toEqual({ ...failed, reason: name });
  });

  test("translates the SDK's error classes", () => {
    const about = { message: canary, $metadata: { httpStatusCode: 400 } };
    expect(classify(new ProvisionedThroughputExceededException(about))).toMatchObject(throttled);
    expect(classify(new RequestLimitExceeded(about))).toMatchObject(throttled);
    expect(classify(new ResourceNotFoundException(about))).toMatchObject({ code: "no-such-store" });
    expect(classify(new InternalServerError(about))).toMatchObject(failed);
  });

  test("makes a rejected signature retryable after the SDK has corrected its clock", () => {
    const corrected = (name: string, status?: number): object => {
      const error = serviceError(name, status);
      Object.assign(error.$metadata, { clockSkewCorrected: true });
      return classify(error);
    };
    const reason = "InvalidSignatureException";
    expect(corrected(reason)).toEqual({ ...unreachable, reason });
    expect(corrected("InternalServerError", 500)).toMatchObject(failed);
    expect(corrected("ValidationException")).toMatchObject(refused);
  });

  test("translates a header with a line break to access-denied, because only credentials can contain one", () => {
    const error = Object.assign(new TypeError(canary), { code: "ERR_INVALID_CHAR" });
    expect(classify(error)).toEqual({ ...denied, reason: "ERR_INVALID_CHAR" });
  });

  test("returns the fault of a FaultError", () => {
    const fault: Fault = { code: "throttled", retryable: true, effect: "unknown", reason: "mine" };
    expect(classify(new FaultError(fault))).toBe(fault);
  });

  test.each([
    ["ECONNREFUSED", "connect"],
    ["ETIMEDOUT", "connect"],
    ["EHOSTUNREACH", "connect"],
    ["ENOTFOUND", "getaddrinfo"],
    ["EAI_AGAIN", "getaddrinfo"],
  ])("reports that nothing was sent for %s in %s", (code, syscall) => {
    expect(classify(timeoutError(systemError(code, syscall)))).toEqual({ ...unreachable, reason: code });
  });

  test.each([
    ["ECONNRESET", "read"],
    ["EPIPE", "write"],
    ["ETIMEDOUT", "read"],
    ["EHOSTUNREACH", "read"],
  ])("reports an unknown effect for %s in %s", (code, syscall) => {
    expect(classify(systemError(code, syscall))).toEqual({ ...lost, reason: code });
    expect(classify(timeoutError(systemError(code, syscall)))).toEqual({ ...lost, reason: code });
  });

  test("reports that nothing was sent for a rejected certificate, which is not retryable", () => {
    for (const code of ["CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID"]) {
      const error = Object.assign(new Error(canary), { code });
      expect(classify(error)).toEqual({ ...unreachable, retryable: false, reason: code });
    }
  });

  test("reports that nothing was sent if all addresses of a host refuse the connection", async () => {
    const [error] = (await once(connect({ port: 1, host: "localhost" }), "error").catch((reason) => [reason])) as [
      Error,
    ];
    expect(classify(error)).toEqual({ ...unreachable, reason: "ECONNREFUSED" });
  });

  test("ignores the numeric codes of DOMExceptions", () => {
    const [aborted, late] = [new DOMException(canary, "AbortError"), new DOMException(canary, "TimeoutError")];
    expect(classify(aborted)).toEqual({
      code: "timeout",
      retryable: true,
      effect: "unknown",
      reason: "AbortError",
    });
    expect(classify(late)).toEqual({ ...lost, reason: "TimeoutError" });
  });

  test.each([[undefined], [null], ["text"], [7], [{}], [new TypeError(canary)], [new Error()]])(
    "translates %s to internal with an unknown effect",
    (error) => {
      expect(classify(error)).toMatchObject(unknown);
    },
  );

  test("never copies the text of an error into a fault", () => {
    const errors = [
      serviceError("ValidationException"),
      serviceError(`name with ${canary}`),
      systemError("ECONNRESET", "read"),
      timeoutError(new Error(canary)),
      new TypeError(canary),
    ];
    for (const error of errors) expect(JSON.stringify(classify(error))).not.toContain("canary");
  });
});
