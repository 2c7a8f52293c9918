import type { Driver, Fault } from "@manykv/core/driver";
import { FaultError } from "@manykv/core/driver";

/** Returns the fault that core would receive from a request that rejects. Throws if the request resolves. */
export async function faultOf(driver: Driver, request: Promise<unknown>): Promise<Fault> {
  try {
    await request;
  } catch (error) {
    return FaultError.is(error) ? error.fault : driver.classify(error);
  }
  throw new Error("the request must reject, but resolved");
}
