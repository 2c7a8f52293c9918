import type { Bucket } from "@manykv/core";
import { bytes } from "./bytes.js";

/** A method that takes keys, with a call that passes one invalid key. */
export interface KeyMethod {
  readonly name: "get" | "set" | "delete" | "exists" | "getMany" | "setMany" | "deleteMany";
  /** Number of entries that the call writes. 0 for a read. */
  readonly entries: number;
  call(bucket: Bucket, key: string): Promise<unknown>;
}

/** Every method that takes keys. In a batch, the invalid key is between two valid keys. */
export const keyMethods: readonly KeyMethod[] = [
  { name: "get", entries: 0, call: (bucket, key) => bucket.get(key) },
  { name: "exists", entries: 0, call: (bucket, key) => bucket.exists(key) },
  { name: "getMany", entries: 0, call: (bucket, key) => bucket.getMany(["before", key, "after"]) },
  { name: "set", entries: 1, call: (bucket, key) => bucket.set(key, bytes("v")) },
  { name: "delete", entries: 1, call: (bucket, key) => bucket.delete(key) },
  {
    name: "setMany",
    entries: 3,
    call: (bucket, key) =>
      bucket.setMany([
        ["before", bytes("v")],
        [key, bytes("v")],
        ["after", bytes("v")],
      ]),
  },
  { name: "deleteMany", entries: 3, call: (bucket, key) => bucket.deleteMany(["before", key, "after"]) },
];
