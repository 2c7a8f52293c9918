import { encodeScript } from "./encode-command.js";

/*
 * Redis does not undo a script that fails, for example because the ACL forbids a command. So each script first reads, and
 * then runs at most one command that writes.
 */

/**
 * Increments a key and, if this creates the key, makes it expire. Returns the result as text, because Lua has no 64-bit
 * integers.
 */
const incrementScript = `if redis.call('GET', KEYS[1]) then
redis.call('INCRBY', KEYS[1], ARGV[1])
return redis.call('GET', KEYS[1])
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`;

/**
 * Swaps a value. Each argument is `+` followed by the bytes of a value, or `-` for a missing key. Returns 1, or the current
 * value.
 */
const swapScript = `local current = redis.call('GET', KEYS[1])
if (current and '+' .. current or '-') ~= ARGV[1] then return current end
if ARGV[2] == '-' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], string.sub(ARGV[2], 2), 'KEEPTTL') end
return 1`;

export function encodeExpiringIncrement(name: string, delta: bigint, ttl: number, asking?: boolean): Buffer {
  return encodeScript(incrementScript, name, [String(delta), String(ttl)], asking);
}

export function encodeSwap(
  name: string,
  expected: Uint8Array | undefined,
  value: Uint8Array | undefined,
  asking?: boolean,
): Buffer {
  return encodeScript(swapScript, name, [marked(expected), marked(value)], asking);
}

/** Distinguishes an empty value from a missing key. */
function marked(value: Uint8Array | undefined): Uint8Array {
  return value === undefined ? Buffer.from("-") : Buffer.concat([Buffer.from("+"), value]);
}
