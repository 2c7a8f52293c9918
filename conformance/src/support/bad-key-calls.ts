import type { Bucket } from "@manykv/core";
import type { Ability } from "../conformance-case.js";
import { bytes } from "./bytes.js";

/** A method that takes keys, with a call that passes one invalid key. */
export interface KeyMethod {
  readonly name: Exclude<keyof Bucket, "name" | "limits" | "listKeys" | "keys" | "clear">;
  /** The ability that the method needs. */
  readonly needs?: Ability;
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
  { name: "existsMany", entries: 0, call: (bucket, key) => bucket.existsMany(["before", key, "after"]) },
  { name: "getMap", entries: 0, call: (bucket, key) => bucket.getMap(["before", key, "after"]) },
  { name: "ttlMany", needs: "ttl", entries: 0, call: (bucket, key) => bucket.ttlMany(["before", key, "after"]) },
  { name: "increment", needs: "increment", entries: 1, call: (bucket, key) => bucket.increment(key) },
  {
    name: "compareAndSwap",
    needs: "compareAndSwap",
    entries: 1,
    call: (bucket, key) => bucket.compareAndSwap(key, { expected: undefined, value: bytes("v") }),
  },
  { name: "deleteMany", entries: 3, call: (bucket, key) => bucket.deleteMany(["before", key, "after"]) },
];
