import {
  History,
  type Observation,
  type WriteDetails,
  type WriteKind,
  type WriteRecord,
} from "@manykv/conformance/checker";
import { Random } from "@manykv/conformance/faults";

/** A defect of the simulated store. A seed decides which of its operations have the defect. */
export type Defect =
  | "loses a write"
  | "reads an old value"
  | "reports an applied write as not applied"
  | "reports a write without effect as applied"
  | "applies writes in different orders"
  | "increments twice"
  | "swaps without the condition";

export const defects: readonly Defect[] = [
  "loses a write",
  "reads an old value",
  "reports an applied write as not applied",
  "reports a write without effect as applied",
  "applies writes in different orders",
  "increments twice",
  "swaps without the condition",
];

type Value = number | bigint | "missing";

interface Register {
  readonly name: string;
  readonly isCounter: boolean;
  value: Value;
  /** The values before, latest last. */
  readonly past: Value[];
}

/** A call between its begin and its end. */
interface Call {
  readonly client: string;
  readonly keys: readonly Part[];
  /** Whether the client loses the answer. */
  readonly isLost: boolean;
  /** Whether the effect may come after the end of the call. */
  readonly isLate: boolean;
  readonly start: number;
}

/** What a call does with one key. */
interface Part {
  readonly register: Register;
  readonly record: WriteRecord | undefined;
  /** Takes effect at one instant. */
  readonly act: () => void;
  /** Reports the result when the call ends. */
  readonly report: (start: number, end: number) => void;
  isDone: boolean;
}

const clients = ["a", "b", "c", "d"];

/**
 * Returns a history of clients that use a store at the same time. Every operation takes effect at one instant between
 * the begin and the end of its call, so without a defect the history is linearizable. Some calls lose their answer; of
 * these, some take effect, some do not, and some take effect after their end.
 */
export function randomHistory(seed: number, defect?: Defect): History {
  const random = new Random(seed);
  let milliseconds = 0;
  const history = new History(() => ++milliseconds);
  const registers = ["one", "two", "counter"].map(
    (name): Register => ({ name: `bucket/${name}`, isCounter: name === "counter", value: "missing", past: [] }),
  );
  const running = new Map<string, Call>();
  const late: Part[] = [];
  const begin = (client: string): void => {
    const start = history.tick();
    const chosen = random.chance(0.3) ? registers.filter(({ isCounter }) => !isCounter) : [random.pick(registers)];
    const keys = chosen.map((register) => beginPart(history, random, client, register, start, defect));
    const isWrite = keys.some(({ record }) => record !== undefined);
    const isLost = isWrite && random.chance(0.2);
    running.set(client, { client, keys, isLost, isLate: isLost && random.chance(0.5), start });
  };
  const end = ({ client, keys, isLost, isLate, start }: Call): void => {
    running.delete(client);
    for (const part of keys) {
      if (!isLost && !part.isDone) part.act();
      if (isLate && !part.isDone) late.push(part);
    }
    const time = history.tick();
    for (const { record, report } of keys) {
      if (!isLost) report(start, time);
      else if (record !== undefined) Object.assign(record, { end: time, late: isLate });
    }
  };
  for (let events = 0; events < 90; events++) {
    const client = random.pick(clients);
    const call = running.get(client);
    const waiting = call?.keys.filter(({ isDone }) => !isDone) ?? [];
    if (random.chance(0.1)) late.splice(0, 1)[0]?.act();
    if (call === undefined) begin(client);
    else if (waiting.length > 0 && random.chance(0.6)) {
      const part = random.pick(waiting);
      part.isDone = true;
      part.act();
    } else end(call);
  }
  for (const call of running.values()) end(call);
  // The checker judges only keys that were read.
  for (const { name, value } of registers) history.addRead("observer", name, history.tick(), history.tick(), value);
  return history;
}

function beginPart(
  history: History,
  random: Random,
  client: string,
  register: Register,
  start: number,
  defect: Defect | undefined,
): Part {
  const { name, isCounter } = register;
  const fails = random.chance(0.25);
  const has = (name: Defect): boolean => fails && defect === name;
  const put = (value: Value): void => {
    register.past.push(register.value);
    register.value = value;
  };
  const kind = isCounter
    ? random.weighted({ increment: 5, get: 3, delete: 1 })
    : random.weighted({ get: 6, exists: 2, set: 4, delete: 2, swap: 4, create: 2 });
  if (kind === "get" || kind === "exists") {
    let saw: Observation = "missing";
    const act = (): void => {
      saw = has("reads an old value") ? (register.past.at(-2) ?? register.value) : register.value;
      if (kind === "exists" && saw !== "missing") saw = "present";
      // Readers that see the effects of two writes in the other order.
      if (has("applies writes in different orders") && register.past.length > 1) {
        const [before = "missing"] = register.past.splice(-1, 1, register.value);
        register.value = before;
      }
    };
    return part((from, to) => history.addRead(client, name, from, to, saw), act);
  }
  const writes = kind === "delete" || (kind === "swap" && random.chance(0.3)) ? "delete" : "set";
  const write = (writeKind: WriteKind, details?: WriteDetails): WriteRecord =>
    history.beginWrite(client, name, writeKind, start, details);
  if (kind === "increment") {
    const delta = BigInt(random.integer(1, 3));
    const record = write("increment", { delta });
    let result = 0n;
    const act = (): void => {
      result = (register.value === "missing" ? 0n : BigInt(register.value)) + delta;
      if (!has("loses a write")) put(has("increments twice") ? result + delta : result);
    };
    return part((_, end) => Object.assign(record, { end, outcome: "applied", resolved: true, result }), act, record);
  }
  // A swap expects the value at its begin, so swaps that run at the same time compete.
  const expected = kind === "create" ? "missing" : register.value;
  const isConditional = kind === "swap" || kind === "create";
  const record = write(writes, isConditional ? { expected } : {});
  const value = writes === "delete" ? "missing" : record.write;
  let found: Value | undefined;
  const act = (): void => {
    const isMet = !isConditional || register.value === expected || has("swaps without the condition");
    if (!isMet) found = register.value;
    else if (!has("loses a write") && !has("reports a write without effect as applied")) put(value);
  };
  const report = (from: number, end: number): void => {
    const isApplied = found === undefined && !has("reports an applied write as not applied");
    Object.assign(record, {
      end,
      outcome: isApplied ? "applied" : "not-applied",
      resolved: isApplied || isConditional,
    });
    if (found !== undefined) history.addRead(client, name, from, end, found);
  };
  return part(report, act, record);

  function part(report: Part["report"], act: () => void, record?: WriteRecord): Part {
    return { register, record, act, report, isDone: false };
  }
}
