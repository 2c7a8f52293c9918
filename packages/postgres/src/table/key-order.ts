/** The indexes of keys in the order of their bytes, which `ORDER BY key` gives on the server. */
export function keyOrder(keys: readonly string[]): readonly number[] | undefined {
  if (keys.length === 1) return undefined;
  const compare = keys.some((key) => surrogatesOrAbove.test(key)) ? compareCodePoints : compareUnits;
  let sorted = true;
  for (let index = 1; sorted && index < keys.length; index++) {
    sorted = compare(keys[index - 1] as string, keys[index] as string) < 0;
  }
  if (sorted) return undefined;
  const order = Array.from(keys, (_key, index) => index);
  return order.sort((left, right) => compare(keys[left] as string, keys[right] as string));
}

/** Below these, UTF-16 units compare as the bytes of UTF-8 do. */
const surrogatesOrAbove = /[\ud800-\uffff]/;

/** For strings that differ. */
function compareUnits(left: string, right: string): number {
  return left < right ? -1 : 1;
}

function compareCodePoints(left: string, right: string): number {
  let index = 0;
  while (index < left.length && left.charCodeAt(index) === right.charCodeAt(index)) index++;
  // Behind the first half of a pair in both, the second halves compare as the whole characters do.
  return (left.codePointAt(index) ?? -1) - (right.codePointAt(index) ?? -1);
}
