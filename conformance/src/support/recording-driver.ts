import type { createRequest, Driver, SetRequest } from "@manykv/core/driver";
import { type Operation, operations } from "../faults/call-fault.js";
import { type AnyRequest, keysOf, sendSet, wrapDriver } from "../faults/wrap-driver.js";

/** One request that a driver received. */
export interface RecordedRequest {
  readonly operation: Operation;
  /** A copy of the keys, because the caller may modify the original. */
  readonly keys: readonly string[];
  /** Total size of the keys (as UTF-8) and the values, in bytes. */
  readonly bytes: number;
  readonly ttls: SetRequest["ttls"];
  readonly prefix: string | undefined;
}

/** Records the requests that reach a driver, and the largest number of requests in flight at the same time. */
export interface Recording {
  readonly wrap: (driver: Driver) => Driver;
  readonly requests: RecordedRequest[];
  mostInFlight: number;
}

export function recordRequests(): Recording {
  let inFlight = 0;
  async function note(operation: Operation, request: AnyRequest, answer: () => Promise<unknown>): Promise<unknown> {
    const keys = keysOf(request);
    const { values = [], ttls, prefix } = request;
    recording.requests.push({ operation, keys: [...keys], bytes: bytesOf(keys, values), ttls, prefix });
    recording.mostInFlight = Math.max(recording.mostInFlight, ++inFlight);
    try {
      return await answer();
    } finally {
      inFlight--;
    }
  }
  const wrap = (driver: Driver): Driver => {
    const sends: Partial<Record<Operation, (request: Request) => Promise<unknown>>> = {};
    for (const operation of operations) {
      const method = operation === "set" ? sendSet.bind(undefined, driver) : driver[operation]?.bind(driver);
      if (method === undefined) continue;
      sends[operation] = (request) => note(operation, request, () => method(request));
    }
    return wrapDriver(driver, sends as Partial<Driver>, ["prepareSet"]);
  };
  const recording: Recording = { requests: [], mostInFlight: 0, wrap };
  return recording;
}

type Request = ReturnType<typeof createRequest>;

function bytesOf(keys: readonly string[], values: readonly Uint8Array[]): number {
  const keyBytes = keys.reduce((sum, key) => sum + Buffer.byteLength(key), 0);
  return values.reduce((sum, value) => sum + value.byteLength, keyBytes);
}
