import type { Driver, PreparedSet } from "../driver.js";
import { copyOf } from "../input/value-list.js";

/** The values of some work: as they came in until the driver has prepared a request, then what that holds. */
export class WorkValues {
  #values: readonly Uint8Array[] | undefined;
  #prepared: PreparedSet | undefined;

  constructor(values: readonly Uint8Array[]) {
    this.#values = values;
  }

  /** What the driver made of them, if it did. */
  get prepared(): PreparedSet | undefined {
    return this.#prepared;
  }

  get all(): readonly Uint8Array[] {
    this.#values ??= this.#prepared?.keys.map((_, index) => this.at(index)) ?? [];
    return this.#values;
  }

  at(index: number): Uint8Array {
    return (this.#prepared?.valueAt(index) ?? this.#values?.[index]) as Uint8Array;
  }

  /** Has the driver prepare them, once, where it can; what came in is not needed any more then. */
  prepare(driver: Driver, bucket: string, keys: readonly string[]): void {
    if (driver.prepareSet === undefined || this.#prepared !== undefined) return;
    try {
      this.#prepared = driver.prepareSet(bucket, keys, this.all);
      this.#values = undefined;
    } catch (error) {
      // Should it be tried again, the caller may have changed its own by then.
      this.#values = this.all.map(copyOf);
      throw error;
    }
  }
}
