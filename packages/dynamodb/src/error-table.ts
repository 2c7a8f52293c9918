import type { Fault } from "@manykv/core";
import { connectionFault } from "./connection-fault.js";
import type { DriverErrorName } from "./driver-error.js";
import { EffectError, NoCredentials } from "./transport/effects.js";

type Row = Omit<Fault, "reason" | "fence">;

/** Refused for want of capacity, the whole of it: a batch that was done in part is answered, not thrown. */
const throttled: Row = { code: "throttled", retryable: true, effect: "none" };
/** DynamoDB failed, at a point that it does not tell. */
const failed: Row = { code: "unavailable", retryable: true, effect: "unknown" };
const refused: Row = { code: "internal", retryable: false, effect: "none" };
const denied: Row = { code: "access-denied", retryable: false, effect: "none" };
const noTable: Row = { code: "no-such-store", retryable: false, effect: "none" };
const notReached: Row = { code: "unavailable", retryable: true, effect: "none" };
const overdue: Row = { code: "timeout", retryable: true, effect: "unknown" };
const badArgument: Row = { code: "invalid-argument", retryable: false, effect: "none" };
/** What is in no row: nothing is known of its effect. */
const unknownError: Row = { code: "internal", retryable: false, effect: "unknown" };

const driverErrors: Readonly<Record<DriverErrorName, Row>> = {
  Abandoned: overdue,
  ConnectionTimeout: notReached,
  UnusableCredentials: denied,
  ChecksumMismatch: failed,
  MalformedAnswer: failed,
  ForeignCursor: badArgument,
  ForeignItem: refused,
  ForeignTable: badArgument,
};

/**
 * The names of DynamoDB's and the SDK's errors.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
 */
const rows: ReadonlyMap<string, Row> = new Map<string, Row>([
  ...Object.entries(driverErrors),

  ["ProvisionedThroughputExceededException", throttled],
  ["ThrottlingException", throttled],
  ["Throttling", throttled],
  ["RequestLimitExceeded", throttled],
  ["TooManyRequestsException", throttled],
  // Too many tables being created at once; data requests never get it.
  ["LimitExceededException", throttled],

  ["InternalServerError", failed],
  ["InternalServerErrorException", failed],
  ["InternalFailure", failed],
  ["ServiceUnavailable", failed],
  ["ServiceUnavailableException", failed],
  // One item of a batch is being written by a transaction or another region; of the rest nothing is said.
  ["TransactionConflictException", failed],
  ["ReplicatedWriteConflictException", failed],
  // A table that is being created, changed or deleted.
  ["ResourceInUseException", notReached],

  ["ResourceNotFoundException", noTable],
  ["TableNotFoundException", noTable],

  ["AccessDeniedException", denied],
  ["AccessDenied", denied],
  ["UnrecognizedClientException", denied],
  ["InvalidClientTokenId", denied],
  ["InvalidSignatureException", denied],
  ["SignatureDoesNotMatch", denied],
  ["IncompleteSignature", denied],
  ["IncompleteSignatureException", denied],
  ["MissingAuthenticationToken", denied],
  ["MissingAuthenticationTokenException", denied],
  ["ExpiredTokenException", denied],
  ["ExpiredToken", denied],
  ["RequestExpired", denied],
  ["NotAuthorized", denied],
  ["OptInRequired", denied],
  ["CredentialsProviderError", denied],
  ["TokenProviderError", denied],

  ["ValidationException", refused],
  ["ValidationError", refused],
  ["SerializationException", refused],
  ["UnknownOperationException", refused],
  ["ItemCollectionSizeLimitExceededException", { code: "too-large", retryable: false, effect: "unknown" }],

  ["AbortError", overdue],
]);

/** Reasons of errors whose bare name would not tell the reader of a message what to do. */
const reasons: ReadonlyMap<string, string> = new Map<DriverErrorName, string>([
  ["UnusableCredentials", "the credentials hold a character that no header may hold"],
  ["ForeignCursor", "not a cursor of this bucket"],
  ["ForeignItem", "the item has no binary value, so manykv did not write it"],
  ["ForeignTable", 'the table has another key than the partition key "k" of type S that manykv needs'],
]);

/** A row's fault, with the name as the reason. */
export function faultOf(name: DriverErrorName): Fault {
  return { ...driverErrors[name], reason: reasons.get(name) ?? name };
}

/** The error of a request in manykv's terms. Nothing of its text is used, which may hold keys. */
export function classify(error: unknown): Fault {
  try {
    return faultOfError(error);
  } catch {
    // An object that cannot be looked at, such as one whose getters throw.
    return unknownError;
  }
}

function faultOfError(error: unknown): Fault {
  if (error instanceof NoCredentials) return faultOfCredentials(error.last);
  if (error instanceof EffectError) return { ...classify(error.last), effect: error.effect };
  if (typeof error !== "object" || error === null) return unknownError;
  const { name, message, $metadata } = error as Partial<ServiceException>;
  if ($metadata?.clockSkewCorrected) return { ...notReached, reason: "ClockSkew" };
  const connection = connectionFault(error);
  if (connection !== undefined) return connection;
  const row = rows.get(String(name));
  if (row !== undefined) return { ...row, reason: reasons.get(String(name)) ?? name };
  if (message === "Region is missing") return { ...badArgument, reason: "NoRegion" };
  const reason = typeof name === "string" && exceptionName.test(name) ? name : undefined;
  return { ...rowOfStatus($metadata?.httpStatusCode), reason };
}

/** What else a provider fails of may pass, such as a vault that is down. What it says is missing is not the table. */
function faultOfCredentials(error: unknown): Fault {
  const fault = classify(error);
  const telling = fault.code !== "internal" && fault.code !== "no-such-store";
  return telling
    ? { ...fault, effect: "none" }
    : { ...notReached, reason: "the provider of credentials failed" };
}

/** The parts of an SDK error that are looked at. */
interface ServiceException {
  readonly name: string;
  readonly message: string;
  readonly $metadata: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean };
}

/** What DynamoDB's error names look like. Anything else that came as a name is not passed on. */
const exceptionName = /^[A-Z][A-Za-z]{2,63}$/;

/** For an answer whose error has no row, such as a proxy's. */
function rowOfStatus(status = 0): Row {
  if (status === 429) return throttled;
  return status >= 500 ? failed : unknownError;
}
