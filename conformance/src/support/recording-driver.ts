import type { Driver } from "@manykv/core/driver";
import type { Operation } from "../faults/call-fault.js";
import { sendSet, wrapDriver } from "../faults/wrap-driver.js";

/** One request that a driver received. */
export interface RecordedRequest {
  readonly operation: Operation;
  /** A copy of the keys, because the caller may modify the original. */
  readonly keys: readonly string[];
  /** Total size of the keys (as UTF-8) and the values, in bytes. */
  readonly bytes: number;
}

/** Records the requests that reach a driver, and the largest number of requests in flight at the same time. */
export interface Recording {
  readonly wrap: (driver: Driver) => Driver;
  readonly requests: RecordedRequest[];
  mostInFlight: number;
}

export function recordRequests(): Recording {
  let inFlight = 0;
  async function note<Answer>(operation: Operation, request: Noted, answer: () => Promise<Answer>): Promise<Answer> {
    const { keys = [], values = [] } = request;
    recording.requests.push({ operation, keys: [...keys], bytes: bytesOf(keys, values) });
    recording.mostInFlight = Math.max(recording.mostInFlight, ++inFlight);
    try {
      return await answer();
    } finally {
      inFlight--;
    }
  }
  const recording: Recording = {
    requests: [],
    mostInFlight: 0,
    wrap: (driver) =>
      wrapDriver(
        driver,
        {
          get: (request) => note("get", request, () => driver.get(request)),
          set: (request) => note("set", request, () => sendSet(driver, request)),
          delete: (request) => note("delete", request, () => driver.delete(request)),
          list: (request) => note("list", {}, () => driver.list(request)),
          ...(driver.exists && {
            exists: (request) => note("exists", request, () => existsOf(driver, request)),
          }),
        },
        ["prepareSet"],
      ),
  };
  return recording;
}

interface Noted {
  readonly keys?: readonly string[];
  readonly values?: readonly Uint8Array[];
}

function existsOf(driver: Driver, request: Parameters<Driver["get"]>[0]): ReturnType<NonNullable<Driver["exists"]>> {
  if (!driver.exists) throw new TypeError("recordRequests: the driver has no `exists` method");
  return driver.exists(request);
}

function bytesOf(keys: readonly string[], values: readonly Uint8Array[]): number {
  const keyBytes = keys.reduce((sum, key) => sum + Buffer.byteLength(key), 0);
  return values.reduce((sum, value) => sum + value.byteLength, keyBytes);
}
