import type { Driver } from "../driver.js";
import { type Channel, channel } from "../tracing.js";
import type { RetryPolicy } from "./retry-policy.js";

/** A driver with what a store was told about how to use it. */
export class Engine {
  readonly driver: Driver;
  readonly retry: RetryPolicy;
  readonly concurrency: number;
  readonly attempts: Channel = channel("manykv:attempt");
  readonly calls: Channel = channel("manykv:call");

  constructor(driver: Driver, retry: RetryPolicy, concurrency: number) {
    this.driver = driver;
    this.retry = retry;
    this.concurrency = concurrency;
  }
}
