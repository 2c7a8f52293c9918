import { changeRequest, type Driver } from "@manykv/core/driver";
import { sendSet, wrapDriver } from "../faults/wrap-driver.js";

/**
 * Returns a driver with `prepareSet`, so that core passes values without a copy, also on backends without this method.
 * Calls `onValues` with the values as core passes them.
 */
export function preparingDriver(inner: Driver, onValues: (values: readonly Uint8Array[]) => void): Driver {
  return wrapDriver(inner, {
    prepareSet: (_bucket, _keys, values) => {
      onValues(values);
      return values.map((value) => new Uint8Array(value));
    },
    set: (request) => {
      if (request.prepared === undefined) return sendSet(inner, request);
      const values = request.prepared as Uint8Array[];
      return sendSet(inner, changeRequest(request, { values, prepared: undefined }));
    },
  });
}
