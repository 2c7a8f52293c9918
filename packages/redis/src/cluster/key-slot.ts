/** Number of slots in a cluster: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ */
export const slotCount = 16_384;

const polynomial = 0x1021;
const lastAscii = 0x7f;

/** The CRC16 (XMODEM) of each byte value, as in appendix A of the cluster specification. */
const table: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte << 8;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder << 1) ^ (remainder & 0x8000 ? polynomial : 0);
  }
  return remainder & 0xffff;
});

/** Returns the CRC16 of `bytes`. `before` is the CRC16 of the bytes that precede them. */
export function checksum(bytes: Uint8Array, before = 0): number {
  let remainder = before;
  for (let index = 0; index < bytes.length; index++) remainder = step(remainder, bytes[index] as number);
  return remainder;
}

/**
 * Returns the slot of a Redis name without a hash tag. The name consists of a prefix and a key.
 *
 * @param prefix - the {@link checksum} of the prefix
 */
export function slotOfKey(prefix: number, key: string): number {
  let remainder = prefix;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit > lastAscii) return checksum(Buffer.from(key), prefix) & (slotCount - 1);
    remainder = step(remainder, unit);
  }
  return remainder & (slotCount - 1);
}

function step(remainder: number, byte: number): number {
  return ((remainder << 8) & 0xffff) ^ (table[(remainder >>> 8) ^ byte] as number);
}
