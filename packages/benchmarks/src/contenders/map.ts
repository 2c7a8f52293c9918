import type { Contender } from "../measure/contender.js";

/**
 * Returns the floor for memory, which uses a `Map`. Like manykv, the floor copies each value when the value is set and
 * when it is read.
 */
export function plainMap(): Contender {
  const map = new Map<string, Uint8Array>();
  return {
    name: "Map",
    kind: "floor",
    prepare: ({ keys, values, readKeys }) => ({
      set: async () => {
        for (let index = 0; index < keys.length; index++) {
          map.set(keys[index] as string, copyOf(values[index] as Uint8Array));
        }
      },
      get: async () => {
        const found = readKeys.map((key) => {
          const value = map.get(key);
          return value && copyOf(value);
        });
        return () => found;
      },
      delete: async () => {
        for (const key of keys) map.delete(key);
      },
    }),
    close: async () => map.clear(),
  };
}

function copyOf(value: Uint8Array): Uint8Array {
  const copy = new Uint8Array(value.byteLength);
  copy.set(value);
  return copy;
}
