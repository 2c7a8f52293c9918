import { parseEDNString } from "edn-data";

/** One event of a history in Jepsen's format, as an independent library reads it. */
export interface JepsenEvent {
  readonly process: bigint;
  readonly type: "invoke" | "ok" | "fail" | "info";
  readonly f: "write" | "cas" | "add" | "read" | "exists";
  readonly key: string;
  readonly value: JepsenValue | readonly [JepsenValue, JepsenValue];
  /** Whether a call with an unknown outcome has no effect after its end. */
  readonly isFenced: boolean;
}

/** `null` is a missing key. */
export type JepsenValue = bigint | string | boolean | null;

interface Event extends Pick<JepsenEvent, "process" | "type" | "f"> {
  readonly index: bigint;
  readonly value: readonly [key: string, value: JepsenEvent["value"]];
  readonly fenced?: boolean;
}

export function readJepsen(text: string): JepsenEvent[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line, place) => {
    const map = parseEDNString(line, { mapAs: "object", keywordAs: "string" }) as Record<string, unknown>;
    const { index, process, type, f, value, fenced } = withBigints(map) as Event;
    if (index !== BigInt(place)) throw new Error(`the event in line ${place + 1} has the index ${index}`);
    return { process, type, f, key: value[0], value: value[1], isFenced: fenced === true };
  });
}

function withBigints(value: unknown): unknown {
  if (typeof value === "number") return BigInt(value);
  if (Array.isArray(value)) return value.map(withBigints);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withBigints(one)]));
}
