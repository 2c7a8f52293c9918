// A component that writes and reads 100 keys with two calls instead of 200.
import { getMany, setMany } from "wasi:keyvalue/batch@0.2.0-draft2";
import { open } from "wasi:keyvalue/store@0.2.0-draft2";

export const run = {
  run() {
    const bucket = open("default");
    const keys = Array.from({ length: 100 }, (_, index) => `user-${index}`);
    const encoder = new TextEncoder();
    setMany(
      bucket,
      keys.map((key) => [key, encoder.encode(key.toUpperCase())]),
    );
    const found = getMany(bucket, [...keys, "missing"]).filter(([, value]) => value !== undefined);
    console.log(`${found.length} of ${keys.length + 1} keys exist`);
  },
};
