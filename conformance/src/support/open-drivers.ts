import type { Driver } from "@manykv/core/driver";
import { wrapDriver } from "../faults/wrap-driver.js";

/** Tracks the drivers that are still open, and closes them. */
export class OpenDrivers {
  readonly #open = new Set<Driver>();

  track(driver: Driver): Driver {
    this.#open.add(driver);
    return wrapDriver(driver, {
      close: () => {
        this.#open.delete(driver);
        return driver.close();
      },
    });
  }

  /** Closes every driver, even if closing another one fails. */
  async close(): Promise<void> {
    const closing = [...this.#open].map(async (driver) => driver.close());
    this.#open.clear();
    const failed = (await Promise.allSettled(closing)).find(({ status }) => status === "rejected");
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }
}
