import type { Store } from "@manykv/core";
import { closestTo } from "./suggestions.js";
import { printMessage } from "./terminal.js";

/**
 * Prints that a bucket has no keys, and the names of buckets that the user may have meant: a mistyped name must not look like
 * success. `where` names the store if there are several.
 */
export async function printNoKeys(
  store: Pick<Store, "buckets">,
  bucket: string,
  {
    prefix,
    where = "",
    signal,
  }: { readonly prefix?: string | undefined; readonly where?: string; signal: AbortSignal },
): Promise<void> {
  const keys = prefix === undefined ? "no keys" : `no keys that start with ${JSON.stringify(prefix)}`;
  const names = await bucketsOf(store, signal);
  printMessage(`${where}the bucket ${JSON.stringify(bucket)} has ${keys}${hintOf(bucket, names)}`);
}

function hintOf(bucket: string, names: readonly string[] | undefined): string {
  if (names === undefined || names.includes(bucket)) return "";
  const similar = closestTo(bucket, names);
  if (similar.length > 0) return `: did you mean ${similar.map((name) => JSON.stringify(name)).join(" or ")}?`;
  return names.length === 0
    ? ": no bucket of the store has keys"
    : ": manykv buckets prints the buckets that have keys";
}

/** Returns the names of the buckets that contain keys, or `undefined` if the store cannot list them. */
async function bucketsOf(store: Pick<Store, "buckets">, signal: AbortSignal): Promise<string[] | undefined> {
  try {
    const names: string[] = [];
    for await (const name of store.buckets({ signal })) names.push(name);
    return names;
  } catch {
    return undefined; // The message without names is still true.
  }
}
