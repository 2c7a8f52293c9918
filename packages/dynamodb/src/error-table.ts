import { type Fault, FaultError } from "@manykv/core/driver";
import { connectionFault, invalidHeader } from "./connection-fault.js";

type SdkMetadata = { httpStatusCode?: number; clockSkewCorrected?: boolean };
type SdkError = { name?: string; message?: string; code?: unknown; $metadata?: SdkMetadata };
type Row = Omit<Fault, "reason" | "fence">;

/** DynamoDB rejected the whole request. If it processes only part of a batch, it does not return an error. */
const throttled: Row = { code: "throttled", retryable: true, effect: "none" };
/** DynamoDB failed, and does not report whether it applied the request. */
const failed: Row = { code: "unavailable", retryable: true, effect: "unknown" };
const refused: Row = { code: "internal", retryable: false, effect: "none" };
const denied: Row = { ...refused, code: "access-denied" };
const unreached: Row = { code: "unavailable", retryable: true, effect: "none" };
/** For an error that `rows` does not contain. The driver does not know its meaning, so the effect is unknown. */
const unknownError: Row = { code: "internal", retryable: false, effect: "unknown" };

/** Returns the error for a response that is damaged or not from DynamoDB. The effect of the request is unknown. */
export function malformedAnswer(reason = "MalformedAnswer"): FaultError {
  return new FaultError({ ...failed, reason });
}

/** Returns the error for a problem that the driver detects. No write was applied, and a retry would fail again. */
export function refusal(code: Fault["code"], reason: string): FaultError {
  return new FaultError({ ...refused, code, reason });
}

/**
 * The fault for each name of a DynamoDB or SDK error.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
 */
const rows: ReadonlyMap<unknown, Row> = new Map([
  ...named(
    throttled,
    `ProvisionedThroughputExceededException ThrottlingException Throttling RequestLimitExceeded
    TooManyRequestsException LimitExceededException`,
  ),
  // The last two names: a transaction or another region is writing an item. Other items may have been written.
  ...named(
    failed,
    `InternalServerError InternalServerErrorException InternalFailure ServiceUnavailable ServiceUnavailableException
    TransactionConflictException ReplicatedWriteConflictException`,
  ),
  // The table is being created, changed or deleted.
  ...named(unreached, "ResourceInUseException"),
  ...named({ ...refused, code: "no-such-store" }, "ResourceNotFoundException TableNotFoundException"),
  ...named(
    denied,
    `AccessDeniedException AccessDenied UnrecognizedClientException InvalidClientTokenId InvalidSignatureException
    SignatureDoesNotMatch IncompleteSignature IncompleteSignatureException MissingAuthenticationToken
    MissingAuthenticationTokenException ExpiredTokenException ExpiredToken RequestExpired NotAuthorized OptInRequired
    CredentialsProviderError TokenProviderError`,
  ),
  ...named(refused, "ValidationException ValidationError SerializationException UnknownOperationException"),
  ...named({ ...unknownError, code: "too-large" }, "ItemCollectionSizeLimitExceededException"),
  ...named({ code: "timeout", retryable: true, effect: "unknown" }, "AbortError"),
]);

function named(row: Row, names: string): [string, Row][] {
  return names.split(/\s+/).map((name) => [name, row]);
}

/** The format of DynamoDB's error names. No other name is reported, because it may contain data. */
const exceptionName = /^[A-Z][A-Za-z]{2,63}$/;

/** Translates an error to a fault. The fault contains no text of the error, because the text may contain keys. */
export function classify(error: unknown): Fault {
  try {
    return FaultError.is(error) ? error.fault : faultOf(error);
  } catch {
    // The error cannot be inspected, for example because its getters throw.
    return unknownError;
  }
}

function faultOf(error: unknown): Fault {
  if (typeof error !== "object" || error === null) return unknownError;
  const { name, message, code, $metadata } = error as SdkError;
  // Of all headers, only those with credentials can contain a line break.
  if (code === invalidHeader) return { ...denied, reason: invalidHeader };
  const connection = connectionFault(error);
  if (connection !== undefined) return connection;
  const row = rows.get(name);
  // The SDK has corrected its clock with the time in the response, so a retry gets a valid signature.
  if (row === denied && $metadata?.clockSkewCorrected) return { ...unreached, reason: name };
  if (row !== undefined) return { ...row, reason: name };
  if (message === "Region is missing") return { ...refused, code: "invalid-argument", reason: "NoRegion" };
  const reason = typeof name === "string" && exceptionName.test(name) ? name : undefined;
  // A response with an unknown error may come from a proxy.
  const status = $metadata?.httpStatusCode ?? 0;
  return { ...(status === 429 ? throttled : status >= 500 ? failed : unknownError), reason };
}

/**
 * Throws a `FaultError` for an error of the credentials provider. Replaces two codes with a retryable `unavailable`:
 * `internal`, because the error may be temporary, and `no-such-store`, because this code is for a missing table.
 */
export function failCredentials(error: unknown): never {
  const { code, retryable, reason } = classify(error);
  if (code === "internal" || code === "no-such-store")
    throw new FaultError({ ...unreached, reason: "the credentials provider failed" });
  throw new FaultError({ code, retryable, effect: "none", reason });
}
