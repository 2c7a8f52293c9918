import type { Anomaly } from "@manykv/conformance/checker";

/** Returns a line for each of the first `most` anomalies and, if more exist, a line with the number of the others. */
export function describeAnomalies(anomalies: readonly Anomaly[], most = 3): string[] {
  const lines = anomalies
    .slice(0, most)
    .map(({ kind, key, text }) => `${kind}${key === undefined ? "" : ` on ${key}`}: ${text}`);
  if (anomalies.length > most) lines.push(`... and ${anomalies.length - most} more`);
  return lines;
}
