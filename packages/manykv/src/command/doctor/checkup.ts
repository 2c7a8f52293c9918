import type { Finding, StoreDescription } from "@manykv/core";
import { count, figure, figures } from "@manykv/measure";
import type { Latency, Operation } from "./operations.js";

/** The result of `manykv doctor`: what the store knows about its server, and what `doctor` tried and measured. */
export interface Checkup extends StoreDescription {
  readonly latency: Latency | undefined;
  readonly operations: readonly Operation[];
}

/** Returns the result as JSON. What is not known is null. */
export function checkupJson(checkup: Checkup): string {
  return `${JSON.stringify(checkup, (_, value: unknown) => value ?? null, 2)}\n`;
}

/** Returns one line for each finding, the most severe first. */
export function findingsText({ findings }: Checkup): string {
  return bySeverity(findings)
    .map(({ severity, code, message }) => `${severity} ${code}: ${message}\n`)
    .join("");
}

/** Returns the result as text for people. */
export function checkupText(checkup: Checkup): string {
  const { findings } = checkup;
  const sections = [
    section("Server", serverRows(checkup)),
    section("Abilities", abilityRows(checkup)),
    section("Operations", operationRows(checkup)),
    findings.length === 0
      ? "Findings: none\n"
      : `Findings\n${bySeverity(findings)
          .map(({ severity, code, message }) => `  ${severity}: ${code}\n    ${message}\n`)
          .join("")}`,
  ];
  return sections.join("\n");
}

type Row = readonly [label: string, text: string | undefined];

const labelWidth = 15;

/** Returns a heading and the rows that have a text. */
function section(heading: string, rows: readonly Row[]): string {
  const lines = rows
    .filter(([, text]) => text !== undefined && text !== "")
    .map(([label, text]) => `  ${label.padEnd(labelWidth)} ${text}\n`);
  return `${heading}\n${lines.join("")}`;
}

function serverRows({ driver, product, version, server, topology, table, limits, latency }: Checkup): Row[] {
  const port = server?.port === undefined ? "" : `:${server.port}`;
  const { maxKeyBytes, maxValueBytes } = limits;
  return [
    ["backend", driver],
    ["product", [product ?? "unknown", version].filter((word) => word !== undefined).join(" ")],
    ["address", server && `${server.address}${port}`],
    ["topology", topology],
    ["table", table && `${table.name}${table.layout === undefined ? "" : `: ${table.layout}`}`],
    ["limits", `keys of ${count(maxKeyBytes)} bytes, values of ${count(maxValueBytes)} bytes`],
    ["round trip", latency && latencyText(latency)],
  ];
}

function latencyText({ calls, slowest, ...spread }: Latency): string {
  return `${figures(spread)} ms, slowest ${figure(slowest)} ms: median (quartiles) of ${calls} calls`;
}

function abilityRows({ abilities, findings }: Checkup): Row[] {
  const { settlesLostWrites, ...others } = abilities;
  const names = (isAble: boolean): string =>
    Object.entries(others)
      .filter(([, able]) => able === isAble)
      .map(([name]) => name)
      .join(", ");
  const why = findings.some(({ code }) => code === "cannot-settle") ? ", see the finding cannot-settle" : "";
  const settling =
    settlesLostWrites === undefined ? "unknown" : settlesLostWrites ? "can be settled" : "cannot be settled";
  return [
    ["lost writes", `${settling}${why}`],
    ["supported", names(true)],
    ["not supported", names(false)],
  ];
}

function operationRows({ operations }: Checkup): Row[] {
  const groups = new Map<string, string[]>();
  for (const operation of operations) {
    const outcome = outcomeText(operation);
    groups.set(outcome, [...(groups.get(outcome) ?? []), operation.name]);
  }
  return [...groups].map(([outcome, names]) => {
    const [label = "", why] = outcome.split("\n", 2);
    return [label, `${names.join(", ")}${why === undefined ? "" : ` (${why})`}`];
  });
}

/** Returns the outcome and, on a second line, its cause. */
function outcomeText({ status, code, reason, message }: Operation): string {
  if (status === "succeeded") return "succeeded";
  if (status === "skipped") return `not tried\n${message}`;
  return `failed\n${code}${reason === undefined ? "" : `, ${reason}`}`;
}

const severities: readonly Finding["severity"][] = ["data-loss", "warning", "note"];

function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return severities.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}
