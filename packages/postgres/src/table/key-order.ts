/**
 * Returns the indexes of different keys in the order of their UTF-8 bytes, which is the server's `ORDER BY key`, or
 * `undefined` if the keys are in that order already.
 */
export function keyOrder(keys: readonly string[]): readonly number[] | undefined {
  const compare = keys.some((key) => surrogatesOrAbove.test(key)) ? compareCodePoints : compareUnits;
  if (keys.every((key, index) => index === 0 || compare(keys[index - 1] as string, key) < 0)) return undefined;
  return Array.from(keys.keys()).sort((left, right) => compare(keys[left] as string, keys[right] as string));
}

export function inOrder<Item>(items: readonly Item[], order: readonly number[] | undefined): readonly Item[] {
  return order?.map((index) => items[index] as Item) ?? items;
}

/** Below these, UTF-16 units compare like the bytes of UTF-8. */
const surrogatesOrAbove = /[\ud800-\uffff]/;

function compareUnits(left: string, right: string): number {
  return left < right ? -1 : 1;
}

function compareCodePoints(left: string, right: string): number {
  let index = 0;
  while (index < left.length && left.charCodeAt(index) === right.charCodeAt(index)) index++;
  // If both have the same first half of a pair, the second halves compare like the whole characters.
  return (left.codePointAt(index) ?? -1) - (right.codePointAt(index) ?? -1);
}
