// Type tests of @manykv/core/driver, the API for drivers. `npx -y pnpm@12 typecheck` compiles them. They are not run.
import { createStore, type Store, type StoreErrorCode } from "@manykv/core";
import {
  allDone,
  ChunkCopier,
  changeRequest,
  createRequest,
  type Driver,
  type DriverRequest,
  type Fault,
  FaultError,
  type KeysRequest,
  pickKeys,
  type ReadAnswer,
  type SetRequest,
  type WriteAnswer,
  waitFor,
} from "@manykv/core/driver";
import { describe, expectTypeOf, test } from "vitest";

declare const request: KeysRequest;
declare const fault: Fault;

/** A driver with only the required members. */
const driver = {
  name: "smallest",
  limits: {
    maxValueBytes: 1,
    get: { maxKeys: 1, maxBytes: 1 },
    set: { maxKeys: 1, maxBytes: 1 },
    delete: { maxKeys: 1, maxBytes: 1 },
    concurrency: 1,
  },
  get: async ({ keys }: KeysRequest) => ({ values: keys.map(() => new Uint8Array(1)) }),
  set: async (_: SetRequest) => allDone,
  delete: async (_: KeysRequest) => ({ unprocessed: [0], faults: [{ ...fault, index: 1 }] }),
  list: async () => ({ keys: [] }),
  close: async () => {},
  classify: () => fault,
} satisfies Driver;

test("createStore accepts a driver with only the required members", () => {
  expectTypeOf(createStore(driver, { timeout: 1 })).toEqualTypeOf<Store>();
  // @ts-expect-error unknown option
  createStore(driver, { url: "memory:" });
  const { classify, ...incomplete } = driver;
  // @ts-expect-error `classify` is required
  createStore(incomplete);
  expectTypeOf(classify).toExtend<Driver["classify"]>();
});

describe("results of a driver", () => {
  test("values use an ArrayBuffer", () => {
    expectTypeOf<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>>().toEqualTypeOf<Awaited<ReturnType<Driver["get"]>>>();
    expectTypeOf<Uint8Array<SharedArrayBuffer>>().not.toExtend<Awaited<ReturnType<Driver["get"]>>["values"][number]>();
  });

  test("the result of a write can be empty", () => {
    expectTypeOf(allDone).toEqualTypeOf<WriteAnswer>();
    expectTypeOf<Record<never, never>>().toExtend<WriteAnswer>();
  });

  test("a fault has a known code", () => {
    expectTypeOf<Fault["code"]>().toEqualTypeOf<StoreErrorCode>();
    // @ts-expect-error unknown code
    new FaultError({ code: "broken", retryable: false, effect: "none" });
    expectTypeOf(new FaultError(fault, "message").fault).toEqualTypeOf<Fault>();
  });
});

test("a request reports whether it is aborted, and waitFor returns the result of a promise", () => {
  expectTypeOf(request.aborted).toEqualTypeOf<boolean>();
  expectTypeOf(request.signal).toEqualTypeOf<AbortSignal>();
  expectTypeOf(request.onAbort(() => {})).toEqualTypeOf<() => void>();
  expectTypeOf(waitFor(request, Promise.resolve(1))).resolves.toEqualTypeOf<number>();
  expectTypeOf(createRequest({ bucket: "b", keys: ["k"] })).toExtend<DriverRequest>();
  // @ts-expect-error read-only
  request.keys[0] = "other";
});

test("a request cannot be spread, because it would lose its signal", () => {
  expectTypeOf(changeRequest(request, { keys: ["k"] })).toExtend<SetRequest>();
  expectTypeOf(pickKeys(request, [0])).toExtend<KeysRequest>();
  // @ts-expect-error no signal
  driver.get({ ...request, keys: ["k"] });
  // @ts-expect-error no signal
  waitFor({ ...request }, Promise.resolve(1));
  // @ts-expect-error a deadline is not a change: core would not abort the request at this time
  changeRequest(request, { deadline: 1 });
});

test("ChunkCopier returns values that use an ArrayBuffer", () => {
  expectTypeOf(new ChunkCopier(new Uint8Array(1)).copy(0, 1)).toEqualTypeOf<Uint8Array<ArrayBuffer>>();
});
