import { type Fault, FaultError } from "@manykv/core/driver";
import { connectionFault, invalidHeader } from "./connection-fault.js";
import { retryHint } from "./retry-hint.js";

interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean };
  readonly $response?: { readonly headers?: Readonly<Record<string, unknown>> };
  /** Whether the SDK would retry the error. */
  readonly $retryable?: { readonly throttling?: boolean };
  /**
   * Which limits were reached.
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-diagnosing.html
   */
  readonly ThrottlingReasons?: readonly { readonly reason?: unknown }[];
  /** The same list, in a ThrottlingException. */
  readonly throttlingReasons?: SdkError["ThrottlingReasons"];
}

type Row = Omit<Fault, "reason" | "fence" | "retryAfter">;

/** DynamoDB rejected the whole request. If it processes only part of a batch, it does not return an error. */
const throttled: Row = { code: "throttled", retryable: true, effect: "none" };
/** DynamoDB failed, and does not report whether it applied the request. */
const failed: Row = { code: "unavailable", retryable: true, effect: "unknown" };
const refused: Row = { code: "internal", retryable: false, effect: "none" };
const denied: Row = { ...refused, code: "access-denied" };
const invalid: Row = { ...refused };
const unreached: Row = { code: "unavailable", retryable: true, effect: "none" };
/** For an error that `rows` does not contain. The driver does not know its meaning, so the effect is unknown. */
const unknownError: Row = { code: "internal", retryable: false, effect: "unknown" };

/** Returns the error for a response that is damaged or not from DynamoDB. The effect of the request is unknown. */
export function malformedAnswer(reason = "MalformedAnswer"): FaultError {
  return new FaultError({ ...failed, reason });
}

/** Returns the error for a response that another server sent. A retry would meet the same server. */
export function notDynamodb(): FaultError {
  const reason = "the response is not from DynamoDB: check `endpoint` and the proxies";
  return new FaultError({ ...failed, retryable: false, reason });
}

/**
 * Returns the error for a response that is larger than any valid response. Core repeats a read of several keys in
 * smaller requests if its connection is lost.
 */
export function oversizedAnswer(keyCount: number): FaultError {
  const row: Row = keyCount > 1 ? { ...failed, code: "connection-lost" } : unknownError;
  return new FaultError({ ...row, reason: "the response is too large" });
}

/** Returns the error for a problem that the driver detects. No write was applied, and a retry would fail again. */
export function refusal(code: Fault["code"], reason: string): FaultError {
  return new FaultError({ ...refused, code, reason });
}

/** The `reason` of a server that rejects a table because it does not support on-demand capacity. */
export const billingMode = "the server does not support BillingMode";

/** The name of the error for a write whose condition is not met. */
export const conditionFailed = "ConditionalCheckFailedException";

/** An error of a write whose condition is not met. */
export class UnmetCondition extends FaultError {
  /** The item, as parsed and not validated. `undefined` if it does not exist, or if the server did not send it. */
  readonly item: unknown;

  constructor(fault: Fault, item: unknown) {
    super(fault);
    this.item = item;
  }
}

/** The fault of a write that another client interfered with. It had no effect. */
export const contended: Fault = Object.freeze({ ...throttled, reason: "another client changed the key: try again" });

/** Returns the error for a table whose primary key is not the one of the store's layout. */
export function otherPrimaryKey(): FaultError {
  return refusal(
    "invalid-argument",
    "the table has another primary key than the store: pass its names as `keyAttribute` and `sortKey`, or use another table",
  );
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
    ThrottledException RequestThrottled RequestThrottledException TooManyRequestsException LimitExceededException
    BandwidthLimitExceeded SlowDown`,
  ),
  // The last two names: a transaction or another region is writing an item. Other items may have been written.
  ...named(
    failed,
    `InternalServerError InternalServerErrorException InternalFailure ServiceUnavailable ServiceUnavailableException
    RequestTimeout RequestTimeoutException TransactionConflictException ReplicatedWriteConflictException`,
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
  ...named(invalid, "ValidationException ValidationError"),
  ...named(refused, "SerializationException"),
  ...named({ ...refused, code: "unsupported" }, "UnknownOperationException"),
  ...named({ ...refused, code: "precondition-failed" }, conditionFailed),
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
  const { name, message, code, $metadata, $response, $retryable } = error as SdkError;
  // Of all headers, only those with credentials can contain a line break.
  if (code === invalidHeader) return { ...denied, reason: invalidHeader };
  const connection = connectionFault(error);
  if (connection !== undefined) return connection;
  const row = rows.get(name);
  // The SDK has corrected its clock with the time in the response, so a retry gets a valid signature.
  if (row === denied && $metadata?.clockSkewCorrected) return { ...unreached, reason: name };
  if (row === invalid) return { ...row, ...invalidRequest(String(message)) };
  if (message === "Region is missing") return { ...refused, code: "invalid-argument", reason: "NoRegion" };
  const retryAfter = retryHint($response?.headers, error);
  if (row !== undefined) return { ...row, reason: throttlingReason(error) ?? name, retryAfter };
  const status = $metadata?.httpStatusCode ?? 0;
  // A response without an error name of the service is not from DynamoDB. The SDK then reports a SyntaxError.
  const isNamed = typeof name === "string" && exceptionName.test(name) && name !== "SyntaxError";
  const reason = isNamed ? name : statusReason(status);
  if ($retryable !== undefined) return { ...($retryable.throttling ? throttled : failed), reason, retryAfter };
  return { ...statusRow(status), reason, retryAfter };
}

const forbiddenCondition =
  "Alternator forbids conditional writes to this table: set its write isolation to always_use_lwt";

/** Distinguishes the reasons of a ValidationException by its message, which differs between servers. */
function invalidRequest(message: string): Pick<Fault, "code" | "reason"> {
  // https://docs.scylladb.com/manual/stable/alternator/new-apis.html#write-isolation-policies
  if (/forbid_rmw/.test(message)) return { code: "unsupported", reason: forbiddenCondition };
  if (/\bbilling/i.test(message)) return { code: "internal", reason: billingMode };
  if (/\bkeys?\b|schema/i.test(message)) return otherPrimaryKey().fault;
  return { code: "internal", reason: "ValidationException" };
}

/** Returns the first limit that was reached, such as `TableWriteKeyRangeThroughputExceeded`. */
function throttlingReason(error: SdkError): string | undefined {
  const reasons = error.ThrottlingReasons ?? error.throttlingReasons;
  const reason = Array.isArray(reasons) ? (reasons[0] as { reason?: unknown } | null)?.reason : undefined;
  return typeof reason === "string" && exceptionName.test(reason) ? reason : undefined;
}

/** Returns the fault of a response whose error name is unknown. It may come from a proxy. */
function statusRow(status: number): Row {
  if (status === 413) return { ...refused, code: "too-large" };
  if (status === 429) return throttled;
  if (status === 401 || status === 403 || status === 407) return denied;
  if (status >= 300 && status < 400) return { ...failed, retryable: false };
  return status === 408 || status >= 500 ? failed : unknownError;
}

function statusReason(status: number): string | undefined {
  if (status === 0) return undefined;
  if (status === 413) return "HTTP 413: a proxy limits the size of requests: lower `requestLimits.maxBytes`";
  if (status === 407) return "HTTP 407: the proxy needs a user and password";
  if (status === 429 || status >= 500) return `HTTP ${status}`;
  return `HTTP ${status}: the response is not from DynamoDB: check \`endpoint\` and the proxies`;
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
