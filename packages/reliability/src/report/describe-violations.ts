import type { Violation } from "@manykv/conformance";

/** A line for each of the first violations. */
export function describeViolations(violations: readonly Violation[], most = 3): string[] {
  const lines = violations
    .slice(0, most)
    .map(({ kind, key, text }) => `${kind}${key === undefined ? "" : ` on ${key}`}: ${text}`);
  if (violations.length > most) lines.push(`... and ${violations.length - most} more`);
  return lines;
}
