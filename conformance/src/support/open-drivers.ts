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

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((driver) => driver.close()));
    this.#open.clear();
  }
}
