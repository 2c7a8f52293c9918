import type { Finding } from "@manykv/core";
import { type DriverDescription, type DriverRequest, FaultError } from "@manykv/core/driver";
import { property } from "./answer.js";
import { findTable } from "./provision.js";
import { primaryKeyOf, type TableDescription } from "./table.js";
import { findTimeToLive } from "./time-to-live.js";
import type { Transport } from "./transport/transport.js";

const cannotSettle: Finding = {
  code: "cannot-settle",
  // No setting of the table or the service changes this.
  severity: "note",
  message:
    "DynamoDB cannot cancel a request. If the response to a write is lost, the write may take effect later and overwrite a newer value of the same key. Put a version into values if this matters.",
};

const deniedTable: Finding = {
  code: "table-not-described",
  severity: "note",
  message: "The table could not be checked: permit dynamodb:DescribeTable.",
};

const noTable: Finding = {
  code: "no-table",
  severity: "warning",
  message: "The table does not exist: call `provision()`, or check the name, the region and the endpoint.",
};

const noRecovery: Finding = {
  code: "no-point-in-time-recovery",
  severity: "note",
  message: "Point-in-time recovery is disabled, so deleted or overwritten items cannot be restored: enable it.",
};

const replicas: Finding = {
  code: "replicated-to-other-regions",
  severity: "warning",
  message: "If two regions write the same key, the last write wins, and reads see only writes of their own region.",
};

/** Describes the service and the table. Without permission to describe the table, says so in a finding. */
export async function describe(transport: Transport, request: DriverRequest): Promise<DriverDescription> {
  const findings = [cannotSettle];
  const table = await unlessDenied(findTable(transport, request));
  if (table === "denied") findings.push(deniedTable);
  else if (table === undefined) findings.push(noTable);
  else {
    findings.push(...tableFindings(table, primaryKeyOf(transport.layout)));
    if (await isRecoveryDisabled(transport, request)) findings.push(noRecovery);
    findings.push(...(await findTimeToLive(transport, request)));
  }
  const layout = typeof table === "object" ? table.primaryKey : undefined;
  const arn = typeof table === "object" ? table.arn : "";
  return {
    product: productOf(arn, transport.server?.address),
    topology: "service",
    table: { name: transport.table, layout },
    settlesLostWrites: false,
    findings,
  };
}

function tableFindings({ status, primaryKey, hasReplicas }: TableDescription, expected: string): Finding[] {
  const findings: Finding[] = hasReplicas ? [replicas] : [];
  if (status !== "ACTIVE") {
    const message = `The table's status is ${status}, not ACTIVE: requests may fail until it is ACTIVE.`;
    findings.push({ code: "table-not-active", severity: "warning", message });
  }
  if (primaryKey !== expected) {
    const message = `The table has the primary key ${primaryKey}, but the store needs ${expected}: all calls fail. Pass the names as \`keyAttribute\` and \`sortKey\`, or use another table.`;
    findings.push({ code: "other-primary-key", severity: "warning", message });
  }
  return findings;
}

/** Returns whether the service reports that backups are disabled. Emulators and Alternator do not know the request. */
async function isRecoveryDisabled(transport: Transport, request: DriverRequest): Promise<boolean> {
  const message = { operation: "DescribeContinuousBackups", content: "", maxBytes: 0 } as const;
  try {
    const { json } = await transport.send(message, request);
    const backups = property(property(json, "ContinuousBackupsDescription"), "PointInTimeRecoveryDescription");
    return property(backups, "PointInTimeRecoveryStatus") === "DISABLED";
  } catch (error) {
    if (FaultError.is(error) && !error.fault.retryable) return false;
    throw error;
  }
}

async function unlessDenied<Result>(result: Promise<Result>): Promise<Result | "denied"> {
  try {
    return await result;
  } catch (error) {
    if (FaultError.is(error) && error.fault.reason === "AccessDeniedException") return "denied";
    throw error;
  }
}

/** Derives the product from the name of the table's resource, or from the host's name if the name is not known. */
function productOf(arn: string, host = ""): string | undefined {
  if (arn.startsWith("arn:scylla:")) return "alternator";
  if (arn.startsWith("arn:aws:dynamodb:ddblocal:")) return "dynamodb-local";
  if (/\.(amazonaws\.com(\.cn)?|api\.aws|on\.aws)$/.test(host)) return "dynamodb";
  return undefined;
}
