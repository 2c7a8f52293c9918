/** The bytes that replies are made of besides what they hold. */
export const lineFeed = 0x0a;
export const carriageReturn = 0x0d;
export const dollar = 0x24;
export const plus = 0x2b;
export const minus = 0x2d;
export const zero = 0x30;
export const one = 0x31;
export const nine = 0x39;
export const colon = 0x3a;
export const letterK = 0x4b;
export const letterO = 0x4f;
