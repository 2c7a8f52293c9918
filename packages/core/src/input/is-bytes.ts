const nameOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get;

/** Whether a value is a `Uint8Array` (a `Buffer` is one), also one of another realm, whose memory is still there. */
export function isBytes(value: unknown): value is Uint8Array {
  if (!(value instanceof Uint8Array) && nameOf?.call(value) !== "Uint8Array") return false;
  return (value as Uint8Array).length > 0 || !isDetached(value as Uint8Array);
}

/** A detached array measures 0 bytes; taken for an empty value, it would silently lose what it held. */
function isDetached(value: Uint8Array): boolean {
  try {
    new Uint8Array(value.buffer);
    return false;
  } catch {
    // The constructor refuses the buffer: that is the answer.
    return true;
  }
}
