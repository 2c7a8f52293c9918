import { type Fault, FaultError } from "@manykv/core/driver";
import { connectionFault, invalidHeader } from "./connection-fault.js";

type SdkMetadata = { httpStatusCode?: number; clockSkewCorrected?: boolean };
type SdkError = { name?: string; message?: string; code?: unknown; $metadata?: SdkMetadata };
type Row = Omit<Fault, "reason" | "fence">;

/** The whole request was rejected. DynamoDB answers, not throws, if it did part of a batch. */
const throttled: Row = { code: "throttled", retryable: true, effect: "none" };
/** DynamoDB failed and does not tell at which point. */
const failed: Row = { code: "unavailable", retryable: true, effect: "unknown" };
const refused: Row = { code: "internal", retryable: false, effect: "none" };
const denied: Row = { ...refused, code: "access-denied" };
const unreached: Row = { code: "unavailable", retryable: true, effect: "none" };
/** Of an error that has no row, nothing is known. */
const unknownError: Row = { code: "internal", retryable: false, effect: "unknown" };

/** An answer that is damaged or not DynamoDB's is neither "done" nor "missing". */
export function malformedAnswer(reason = "MalformedAnswer"): FaultError {
  return new FaultError({ ...failed, reason });
}

/** What the driver itself rejects before it sends anything, or finds in a table that manykv did not create. */
export function refusal(code: Fault["code"], reason: string): FaultError {
  return new FaultError({ ...refused, code, reason });
}

/**
 * By the names of DynamoDB's and the SDK's errors.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
 */
const rows: ReadonlyMap<unknown, Row> = new Map([
  ...named(
    throttled,
    `ProvisionedThroughputExceededException ThrottlingException Throttling RequestLimitExceeded
    TooManyRequestsException LimitExceededException`,
  ),
  // The last two: a transaction or another region is writing one item. The answer says nothing about the others.
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

/** The form of DynamoDB's error names. Any other name is not passed on, because it may contain data. */
const exceptionName = /^[A-Z][A-Za-z]{2,63}$/;

/** Translates an error. Uses nothing of its text, which may contain keys. */
export function classify(error: unknown): Fault {
  try {
    return FaultError.is(error) ? error.fault : faultOf(error);
  } catch {
    // An object that cannot be inspected, for example because its getters throw.
    return unknownError;
  }
}

function faultOf(error: unknown): Fault {
  if (typeof error !== "object" || error === null) return unknownError;
  const { name, message, code, $metadata } = error as SdkError;
  // Only credentials can contain a line break.
  if (code === invalidHeader) return { ...denied, reason: invalidHeader };
  const connection = connectionFault(error);
  if (connection !== undefined) return connection;
  const row = rows.get(name);
  // The SDK has corrected its clock by the answer, so a repeated request gets a valid signature.
  if (row === denied && $metadata?.clockSkewCorrected) return { ...unreached, reason: name };
  if (row !== undefined) return { ...row, reason: name };
  if (message === "Region is missing") return { ...refused, code: "invalid-argument", reason: "NoRegion" };
  const reason = typeof name === "string" && exceptionName.test(name) ? name : undefined;
  // An answer without a known error may come from a proxy.
  const status = $metadata?.httpStatusCode ?? 0;
  return { ...(status === 429 ? throttled : status >= 500 ? failed : unknownError), reason };
}

/**
 * Fails with a fault for an error of the credentials provider. Unknown ones may be temporary, such as a vault that is
 * down. Something that the provider does not find is not the table.
 */
export function failCredentials(error: unknown): never {
  const { code, retryable, reason } = classify(error);
  if (code === "internal" || code === "no-such-store")
    throw new FaultError({ ...unreached, reason: "the credentials provider failed" });
  throw new FaultError({ code, retryable, effect: "none", reason });
}
