import { BatchError, type Bucket, createStore, StoreError } from "@manykv/core";
import { findLeaks } from "./find-leaks.js";
import { canaries, type Provocation, value } from "./provocation.js";

export interface ProvocationResult {
  readonly errors: number;
  readonly codes: readonly string[];
  readonly leaks: readonly string[];
}

const bytes = Buffer.from(value);

/** Makes calls of many kinds under a provocation, and searches each error for the canaries. */
export async function provoke(provocation: Provocation): Promise<ProvocationResult> {
  const errors: unknown[] = [];
  try {
    const driver = await provocation.driver();
    const store = createStore(driver, { retry: { attempts: 2, baseDelay: 1 }, ...provocation.options });
    const bucket = await store.open("canaries");
    await provocation.before?.();
    for (const call of callsOf(bucket)) await call().catch((error: unknown) => errors.push(error));
    await store.close();
    await bucket.get("key").catch((error: unknown) => errors.push(error));
  } catch (error) {
    errors.push(error);
  }
  await provocation.after?.();
  const leaks = errors.flatMap((error) => findLeaks(error, canaries));
  for (const error of errors) if (!StoreError.is(error)) leaks.push(`no StoreError: ${String(error)}`);
  for (const error of errors) if (BatchError.is(error)) leaks.push(...findLeaks([...error.failures()], canaries));
  const codes = [...new Set(errors.map((error) => (StoreError.is(error) ? error.code : "none")))];
  return { errors: errors.length, codes, leaks };
}

function callsOf(bucket: Bucket): (() => Promise<unknown>)[] {
  const timeout = 600;
  const ended = AbortSignal.abort(new Error(value));
  const big = Buffer.concat([bytes, Buffer.alloc(bucket.limits.maxValueBytes)]);
  return [
    () =>
      bucket.setMany(
        [
          ["key", bytes],
          ["other", bytes],
        ],
        { timeout },
      ),
    () => bucket.set("key", bytes, { timeout }),
    () => bucket.getMany(["key", "other"], { timeout }),
    () => bucket.get("key", { timeout }),
    () => bucket.exists("key", { timeout }),
    () => bucket.deleteMany(["key", "other"], { timeout }),
    () => bucket.listKeys({ timeout }),
    () => bucket.listKeys({ cursor: value, timeout }),
    // Core rejects the following calls before it sends a request.
    () => bucket.set("key", bytes, { timeout: 0 }),
    () => bucket.set("key", bytes, { signal: ended }),
    () => bucket.set("key", big, { timeout }),
    () =>
      bucket.setMany([
        ["key", bytes],
        ["key", value as unknown as Uint8Array],
      ]),
    () => bucket.setMany(value as unknown as []),
    () => bucket.setMany([[`${value}\ud800`, bytes]]),
    () => bucket.set(value.repeat(100), bytes),
    () => bucket.setMany(throwing()),
    () => bucket.get("key", { timeout: value as unknown as number }),
    () => bucket.get("key", value as never),
  ];
}

function* throwing(): Generator<[string, Uint8Array], void, undefined> {
  yield ["key", bytes];
  throw new Error(value);
}
