import type { History, Observation, ReadRecord, WriteRecord } from "./history.js";

/** One call of one key: its records of the same client cannot share a process, because a process calls one by one. */
interface Operation {
  readonly client: string;
  readonly start: number;
  readonly end: number;
  readonly f: string;
  readonly invoked: string;
  readonly completed: string;
  readonly type: "ok" | "fail" | "info";
  readonly late: boolean;
}

interface Line {
  readonly time: number;
  /** At the same time, calls end before others begin. */
  readonly order: 0 | 1;
  readonly operation: Operation;
  readonly process: number;
}

/**
 * Returns a history in Jepsen's format, for checkers such as Knossos and Porcupine: one EDN map per line, in the order of
 * the events. Each key is an independent register, so every `:value` is a pair `[key value]`.
 *
 * | `:f` | `:value` | what it means |
 * | --- | --- | --- |
 * | `:write` | `["bucket/key" 7]` | a set; 7 is the number of the write. `nil` instead of a number is a delete |
 * | `:cas` | `["bucket/key" [5 7]]` | a set or delete that applies only if the key is 5. `nil` is a missing key |
 * | `:add` | `["bucket/key" [2 nil]]` | an increment by 2; its `:ok` contains what it returned instead of `nil` |
 * | `:read` | `["bucket/key" nil]` | a read; its `:ok` contains what it saw, `:torn` for a damaged value |
 * | `:exists` | `["bucket/key" nil]` | a read that only saw that the key exists |
 *
 * The outcome `applied` is `:ok`, `not-applied` is `:fail`, and `unknown` is `:info`. Jepsen assumes that an `:info` may
 * still take effect at any later time. If the client knows better, the map contains `:fenced true`: the call took effect
 * before it ended, or never will. A call without an end has no second map. The format has no expiry and no batches: a key
 * with a ttl is an ordinary write, and each key of a batch is a call by a separate process.
 */
export function toJepsen(history: History): string {
  const operations = [...history.writes.map(writeOf), ...history.reads.map(readOf)];
  const lines = operations.length === 0 ? [] : linesOf(operations);
  return lines.map((line, index) => `${mapOf(line, index, history)}\n`).join("");
}

function writeOf(record: WriteRecord): Operation {
  const { client, key, kind, start, end, outcome, expected, delta = 0n, result, write, late } = record;
  const value = kind === "delete" ? "nil" : String(write);
  const pair = (text: string): string => `[${quote(key)} ${text}]`;
  const type = ({ applied: "ok", "not-applied": "fail", unknown: "info" } as const)[outcome];
  const about = { client, start, end, type, late };
  if (kind === "increment") {
    const invoked = pair(`[${delta} nil]`);
    return { ...about, f: "add", invoked, completed: result === undefined ? invoked : pair(`[${delta} ${result}]`) };
  }
  const f = expected === undefined ? "write" : "cas";
  const invoked = pair(expected === undefined ? value : `[${textOf(expected)} ${value}]`);
  return { ...about, f, invoked, completed: invoked };
}

function readOf({ client, key, start, end, saw }: ReadRecord): Operation {
  const pair = (text: string): string => `[${quote(key)} ${text}]`;
  const f = saw === "present" ? "exists" : "read";
  const completed = pair(saw === "present" ? "true" : textOf(saw));
  return { client, start, end, f, invoked: pair("nil"), completed, type: "ok", late: false };
}

function textOf(observation: Observation): string {
  if (observation === "missing") return "nil";
  return typeof observation === "string" ? `:${observation}` : String(observation);
}

/** Gives each operation a process that no other operation uses at the same time. */
function linesOf(operations: readonly Operation[]): Line[] {
  const lines: Line[] = [];
  const free = new Map<string, { readonly process: number; readonly from: number }[]>();
  let processes = 0;
  for (const operation of operations.toSorted((a, b) => a.start - b.start)) {
    const { client, start, end, type } = operation;
    const idle = free.get(client) ?? [];
    free.set(client, idle);
    const place = idle.findIndex(({ from }) => from <= start);
    const process = place < 0 ? processes++ : (idle.splice(place, 1)[0]?.process ?? 0);
    // After an `:info`, Jepsen's processes never call again.
    if (type !== "info") idle.push({ process, from: end });
    lines.push({ time: start, order: 1, operation, process });
    if (end !== Number.POSITIVE_INFINITY) lines.push({ time: end, order: 0, operation, process });
  }
  return lines.sort((a, b) => a.time - b.time || a.order - b.order);
}

function mapOf({ time, order, operation, process }: Line, index: number, { times }: History): string {
  const isEnd = order === 0;
  const type = isEnd ? operation.type : "invoke";
  const value = isEnd && type === "ok" ? operation.completed : operation.invoked;
  const nanoseconds = Math.round((times[time - 1] ?? 0) * 1_000_000);
  const fenced = isEnd && type === "info" && !operation.late ? ", :fenced true" : "";
  return `{:index ${index}, :time ${nanoseconds}, :process ${process}, :type :${type}, :f :${operation.f}, :value ${value}${fenced}}`;
}

/** Returns an EDN string. Its escapes are a part of JSON's. */
function quote(text: string): string {
  return JSON.stringify(text);
}
