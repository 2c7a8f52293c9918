import type { Driver, Fault } from "@manykv/core";

/** How a driver classifies what a request of its own rejects with. */
export async function faultOf(driver: Driver, request: Promise<unknown>): Promise<Fault> {
  try {
    await request;
  } catch (error) {
    return driver.classify(error);
  }
  throw new Error("the request was to fail");
}
