const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const builtInGetter = (name: PropertyKey): ((this: unknown) => unknown) =>
  Object.getOwnPropertyDescriptor(typedArray, name)?.get as (this: unknown) => unknown;

// The built-in getters run no code of the caller, even if the value is a Proxy or overrides them.
const typeName = builtInGetter(Symbol.toStringTag);
const builtInLength = builtInGetter("length");

/**
 * Returns the length of a `Uint8Array` (a `Buffer` is one) from any realm. Returns `undefined` for another value, and
 * for an array that cannot be read because its buffer is detached or became too short. Never throws.
 */
export function byteLengthOf(value: unknown): number | undefined {
  if (typeName.call(value) !== "Uint8Array") return undefined;
  const length = builtInLength.call(value) as number;
  if (length > 0) return length;
  try {
    // Throws if the array cannot be read. Without this check, core would store such an array as an empty value.
    new Uint8Array(value as Uint8Array);
    return 0;
  } catch {
    return undefined;
  }
}

const { prototype } = Uint8Array;
const bufferPrototype: unknown = globalThis.Buffer?.prototype;

/** Returns `value`, or a copy if `value` may override its `length`: a driver that trusted it would send wrong bytes. */
export function plainBytes(value: Uint8Array): Uint8Array {
  const own: unknown = Object.getPrototypeOf(value);
  const isPlain = (own === prototype || own === bufferPrototype) && !Object.hasOwn(value, "length");
  return isPlain ? value : new Uint8Array(value);
}
