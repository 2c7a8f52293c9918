import { BatchError, StoreError } from "@manykv/core";
import type { KeyRecord, RefusedRecord } from "../records/record.js";
import type { Failure } from "./totals.js";

/** Records that go to the store in one call, and the refused ones that stood between them. */
export class WriteBatch<Read extends KeyRecord> {
  readonly records: Read[] = [];
  readonly refused: RefusedRecord[] = [];
  bytes = 0;
  readonly #keys: Set<string> = new Set();
  #answer: Promise<unknown> = Promise.resolve();

  add(record: Read, bytes: number): void {
    this.records.push(record);
    this.#keys.add(record.key);
    this.bytes += bytes;
  }

  get size(): number {
    return this.records.length + this.refused.length;
  }

  /** The last record's number. */
  get last(): number {
    return Math.max(this.records.at(-1)?.record ?? 0, this.refused.at(-1)?.record ?? 0);
  }

  sharesKeyWith(other: WriteBatch<Read>): boolean {
    return this.records.some(({ key }) => other.#keys.has(key));
  }

  send(write: (records: readonly Read[]) => Promise<void>): void {
    if (this.records.length === 0) return;
    this.#answer = write(this.records).then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  /** The failures in the order of the records, and what the call rejected with, if it did. */
  async settle(): Promise<{ failures: Failure[]; error: unknown }> {
    const error = await this.#answer;
    const refused = this.refused.map((item): Failure => ({ ...item, outcome: "not-applied" }));
    if (error === undefined) return { failures: refused, error };
    const failures = [...refused, ...this.#failuresOf(error)];
    failures.sort((one, other) => one.record - other.record);
    return { failures, error };
  }

  *#failuresOf(error: unknown): Generator<Failure, void, undefined> {
    if (BatchError.is(error)) {
      for (const { index, outcome, code } of error.failures()) {
        const record = this.records[index];
        if (record !== undefined) yield failureOf(record, outcome, code);
      }
    } else {
      const code = StoreError.is(error) ? error.code : "internal";
      for (const record of this.records) yield failureOf(record, "unknown", code);
    }
  }
}

function failureOf(record: KeyRecord, outcome: Failure["outcome"], code: Failure["code"]): Failure {
  return { record: record.record, line: record.line, key: record.key, outcome, code };
}
