import type { Finding } from "@manykv/core";
import { type DriverRequest, FaultError } from "@manykv/core/driver";
import { property } from "./answer.js";
import { malformedAnswer } from "./error-table.js";
import type { Transport } from "./transport/transport.js";

/** What DescribeTimeToLive reports, or why it reports nothing. */
interface TimeToLive {
  readonly status: "ENABLED" | "ENABLING" | "DISABLED" | "DISABLING" | "denied" | "unsupported";
  readonly attribute: unknown;
}

/**
 * Makes DynamoDB delete expired items. Does nothing if the server has no TTL, if the permission is missing, or if TTL is
 * enabled for another attribute: then expired items keep their space, as `describe()` reports.
 */
export async function enableTimeToLive(transport: Transport, request: DriverRequest): Promise<void> {
  const { status } = await describeTimeToLive(transport, request);
  if (isOn(status)) return;
  const TimeToLiveSpecification = { AttributeName: transport.layout.ttlAttribute, Enabled: true };
  const content = JSON.stringify({ TimeToLiveSpecification }).slice(1, -1);
  try {
    await transport.send({ operation: "UpdateTimeToLive", content, maxBytes: 0 }, request);
  } catch (error) {
    if (!FaultError.is(error)) throw error;
    // Another process is enabling TTL.
    const isConcurrent = error.fault.reason === "ResourceInUseException";
    if (error.fault.retryable && !isConcurrent) throw error;
  }
}

/** Returns a finding unless DynamoDB deletes expired items. */
export async function findTimeToLive(transport: Transport, request: DriverRequest): Promise<Finding[]> {
  const { status, attribute } = await describeTimeToLive(transport, request);
  const name = JSON.stringify(transport.layout.ttlAttribute);
  if (isOn(status) && attribute === transport.layout.ttlAttribute) return [];
  const remain = "DynamoDB does not delete expired items, so they keep their space";
  const finding = (message: string): Finding[] => [{ code: "expired-items-remain", severity: "note", message }];
  if (status === "unsupported") return finding("The server has no TTL, so expired items keep their space.");
  if (status === "denied")
    return finding("manykv cannot check whether DynamoDB deletes expired items: permit dynamodb:DescribeTimeToLive.");
  if (isOn(status)) return finding(`${remain}: TTL is enabled for another attribute than ${name}.`);
  return finding(
    `${remain}: call \`provision()\` with the permission dynamodb:UpdateTimeToLive, or enable TTL for the attribute ${name}.`,
  );
}

function isOn(status: TimeToLive["status"]): boolean {
  return status === "ENABLED" || status === "ENABLING";
}

async function describeTimeToLive(transport: Transport, request: DriverRequest): Promise<TimeToLive> {
  try {
    const { json } = await transport.send({ operation: "DescribeTimeToLive", content: "", maxBytes: 0 }, request);
    const description = property(json, "TimeToLiveDescription");
    const status = property(description, "TimeToLiveStatus");
    const attribute = property(description, "AttributeName");
    if (status === "ENABLED" || status === "ENABLING" || status === "DISABLED" || status === "DISABLING")
      return { status, attribute };
    throw malformedAnswer();
  } catch (error) {
    if (!FaultError.is(error) || error.fault.retryable) throw error;
    return { status: error.fault.code === "access-denied" ? "denied" : "unsupported", attribute: undefined };
  }
}
