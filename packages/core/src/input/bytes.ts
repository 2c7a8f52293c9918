const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const builtInGetter = (name: PropertyKey): ((this: unknown) => unknown) =>
  Object.getOwnPropertyDescriptor(typedArray, name)?.get as (this: unknown) => unknown;

// The built-in getters run no code of the caller, even if the value is a Proxy or overrides them.
const typeName = builtInGetter(Symbol.toStringTag);
const builtInLength = builtInGetter("length");
const builtInOffset = builtInGetter("byteOffset");
const builtInBuffer = builtInGetter("buffer");

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

const plainPrototypes: readonly unknown[] = [Uint8Array.prototype, globalThis.Buffer?.prototype];

/** Returns `value`, or a view of its bytes if `value` overrides what a driver reads, as a subclass may do. */
export function plainBytes(value: Uint8Array): Uint8Array {
  const overrides =
    !plainPrototypes.includes(Object.getPrototypeOf(value)) ||
    Object.hasOwn(value, "length") ||
    Object.hasOwn(value, "byteLength") ||
    Object.hasOwn(value, "byteOffset") ||
    Object.hasOwn(value, "buffer");
  if (!overrides) return value;
  const [buffer, offset, length] = [builtInBuffer, builtInOffset, builtInLength].map((get) => get.call(value));
  return new Uint8Array(buffer as ArrayBuffer, offset as number, length as number);
}
