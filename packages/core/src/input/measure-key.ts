/** The most bytes of UTF-8 that a string can take: three for each unit of UTF-16. */
export function highestBytes(key: string): number {
  return key.length * 3;
}

/** Length of a string in UTF-8 bytes, or -1 where it holds a lone surrogate and so has no UTF-8 form. */
export function measureKey(key: string): number {
  let bytes = key.length;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 2;
    else if (isPair(unit, key.charCodeAt(index + 1))) {
      // Two units become four bytes.
      bytes += 2;
      index++;
    } else return -1;
  }
  return bytes;
}

/** Past the end `charCodeAt` gives NaN, which is no low surrogate. */
function isPair(high: number, low: number): boolean {
  return high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
}
