/**
 * Returns the indexes of the keys, sorted by the keys' UTF-8 bytes, or `undefined` if the keys are already sorted. The
 * server's `ORDER BY key` uses the same order. All keys must differ.
 */
export function keyOrder(keys: readonly string[]): readonly number[] | undefined {
  const compare = keys.some((key) => surrogatesOrAbove.test(key)) ? compareCodePoints : compareUnits;
  if (keys.every((key, index) => index === 0 || compare(keys[index - 1] as string, key) < 0)) return undefined;
  return Array.from(keys.keys()).sort((left, right) => compare(keys[left] as string, keys[right] as string));
}

export function inOrder<Item>(items: readonly Item[], order: readonly number[] | undefined): readonly Item[] {
  return order?.map((index) => items[index] as Item) ?? items;
}

/** Strings without these UTF-16 code units have the same order as their UTF-8 bytes. */
const surrogatesOrAbove = /[\ud800-\uffff]/;

function compareUnits(left: string, right: string): number {
  return left < right ? -1 : 1;
}

function compareCodePoints(left: string, right: string): number {
  let index = 0;
  while (index < left.length && left.charCodeAt(index) === right.charCodeAt(index)) index++;
  // If both characters have the same high surrogate, their low surrogates compare like the characters.
  return (left.codePointAt(index) ?? -1) - (right.codePointAt(index) ?? -1);
}
