import { StoreError } from "./store-error.js";

const pattern = /^[A-Za-z0-9_.-]{1,64}$/;
const rule = "a bucket's name must match [A-Za-z0-9_.-]{1,64}";

/** @throws {StoreError} with `code`, unless `name` is a bucket's name (rule S13). */
export function checkBucketName(name: unknown, code: "no-such-store" | "invalid-argument"): string {
  if (typeof name === "string" && pattern.test(name)) return name;
  throw new StoreError(code, rule);
}
