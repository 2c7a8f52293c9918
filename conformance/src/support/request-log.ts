import { type Fault, FaultError } from "@manykv/core/driver";
import { type AnyRequest, keysOf } from "../faults/wrap-driver.js";
import { chainOf, show } from "./show.js";

/** Number of requests and faults that a log keeps. */
const longestLog = 20;
/** Number of errors that a log keeps. */
const mostErrors = 3;
/** Number of keys and values of a request that a log prints. */
const mostKeys = 3;

/** A request that reached a driver. */
export interface LoggedRequest {
  /** Writes the answer to the log. */
  answered(answer: unknown): void;
  /** Writes the error to the log. */
  failed(error: unknown): void;
}

/**
 * The last requests of a case with their answers, the last errors of its drivers, and the faults that the suite
 * injected. The entries are text, because a case may change values after a request has settled.
 */
export class RequestLog {
  readonly #entries: Entry[] = [];
  readonly #errors: unknown[] = [];
  readonly #faults: Map<string, number> = new Map();
  #count = 0;

  /** The last requests and faults, one line each, oldest first. */
  get lines(): readonly string[] {
    return this.#entries.map(({ text }) => text);
  }

  /** The last errors that the drivers threw, without repetitions, newest first. */
  get errors(): readonly unknown[] {
    return [...this.#errors].reverse();
  }

  /** The faults that the suite injected, in words, or `undefined`. */
  get faults(): string | undefined {
    if (this.#faults.size === 0) return undefined;
    const texts = [...this.#faults].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`));
    const omitted = texts.length - 5;
    return [...texts.slice(0, 5), ...(omitted > 0 ? [`${omitted} other faults`] : [])].join("; ");
  }

  /** Adds a request. `client` is the number of the driver in its case. */
  request(client: number, method: string, request: AnyRequest): LoggedRequest {
    const started = performance.now();
    const entry: Entry = { text: `${++this.#count}. client ${client}: ${requestText(method, request)}` };
    const sent = entry.text;
    this.#add(entry);
    const end = (text: string): void => {
      entry.text = `${sent} -> ${text} (${(performance.now() - started).toFixed(1)} ms)`;
    };
    entry.text += " -> no answer yet";
    return {
      answered: (answer) => end(answerText(method, answer)),
      failed: (error) => {
        end(`throws ${show(error)}${faultText(FaultError.is(error) ? error.fault : undefined)}`);
        entry.error = error;
        this.error(error);
      },
    };
  }

  /** Adds the fault that a driver's `classify` returned for an error. */
  classified(error: unknown, fault: Fault): void {
    const entry = this.#entries.findLast((each) => each.error === error);
    if (entry !== undefined) entry.text += faultText(fault);
  }

  /** Adds an error of a driver. */
  error(error: unknown): void {
    const textOf = (each: unknown): string => chainOf(each).map(String).join("\n");
    const known = this.#errors.findIndex((other) => textOf(other) === textOf(error));
    if (known !== -1) this.#errors.splice(known, 1);
    this.#errors.push(error);
    if (this.#errors.length > mostErrors) this.#errors.shift();
  }

  /** Adds a fault that the suite injected. `of` names what it concerns, such as a request. */
  fault(what: string, of = ""): void {
    this.#faults.set(what, (this.#faults.get(what) ?? 0) + 1);
    this.#add({ text: `-- fault${of === "" ? "" : ` of ${of}`}: ${what}` });
  }

  #add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length > longestLog) this.#entries.shift();
  }
}

interface Entry {
  text: string;
  error?: unknown;
}

function requestText(method: string, request: AnyRequest): string {
  const { bucket, values = [], ttls, prefix, cursor, delta, ttl, expected, value } = request;
  const keys = keysOf(request);
  const parts = [method];
  if (bucket !== undefined) parts.push(`in ${bucket}`);
  if (keys.length > 0) parts.push(listText(keys));
  if (values.length > 0) parts.push(`= ${listText(values)}`);
  if (ttls !== undefined) parts.push(`ttls ${listText(ttls)}`);
  if (method === "list") parts.push(`prefix ${show(prefix)}`);
  if (cursor !== undefined) parts.push(`cursor ${show(cursor)}`);
  if (method === "increment") parts.push(`by ${String(delta)}`);
  if (method === "compareAndSwap") parts.push(`from ${show(expected)} to ${show(value)}`);
  if (ttl !== undefined) parts.push(`ttl ${ttl}`);
  return parts.join(" ");
}

function answerText(method: string, answer: unknown): string {
  if (typeof answer !== "object" || answer === null) return show(answer);
  const { values, unprocessed = [], faults = [], keys, cursor } = answer as Answer;
  const parts: string[] = [];
  if (values !== undefined) parts.push(listText(values));
  if (keys !== undefined) parts.push(listText(keys));
  if (cursor !== undefined) parts.push(`cursor ${show(cursor)}`);
  if (unprocessed.length > 0) parts.push(`unprocessed ${listText(unprocessed)}`);
  if (faults.length > 0) parts.push(`faults ${listText(faults)}`);
  if (parts.length > 0) return parts.join(", ");
  return ["set", "setIfAbsent", "delete", "fence"].includes(method) ? "done" : show(answer);
}

interface Answer {
  readonly values?: readonly unknown[];
  readonly unprocessed?: readonly number[];
  readonly faults?: readonly unknown[];
  readonly keys?: readonly string[];
  readonly cursor?: string;
}

function listText(list: readonly unknown[]): string {
  // `Array.from` also visits the holes of an array.
  const shown = Array.from(list.slice(0, mostKeys), (one) => show(one, 1));
  if (list.length > mostKeys) shown.push(`${list.length - mostKeys} more`);
  return `[${shown.join(", ")}]`;
}

function faultText(fault: Fault | undefined): string {
  if (fault === undefined) return "";
  const { code, reason, retryable, effect } = fault;
  const name = reason === undefined ? code : `${code} (${reason})`;
  return `, classified as ${name}, ${retryable ? "retryable" : "not retryable"}, effect ${effect}`;
}
