import type { ConformanceCase } from "../conformance-case.js";
import { keyLengthCases } from "./s01-key-length.js";
import { keyCases } from "./s01-keys.js";
import { refusedKeyCases } from "./s01-refused-keys.js";
import { keepingCases } from "./s02-keeping.js";
import { refusedValueCases } from "./s02-refused-values.js";
import { valueLengthCases } from "./s02-value-length.js";
import { valueCases } from "./s02-values.js";
import { checkedFirstCases } from "./s03-checked-first.js";
import { iterableCases } from "./s03-iterables.js";
import { orderCases } from "./s04-order.js";
import { lastWinsCases } from "./s05-last-wins.js";
import { emptyBatchCases } from "./s06-empty-batch.js";
import { bucketCases } from "./s13-buckets.js";
import { listingCases } from "./s14-listing.js";
import { closingCases } from "./s16-closing.js";

/** Every case, in the order of the rules. */
export const cases: readonly ConformanceCase[] = [
  ...keyCases,
  ...keyLengthCases,
  ...refusedKeyCases,
  ...valueCases,
  ...valueLengthCases,
  ...refusedValueCases,
  ...keepingCases,
  ...checkedFirstCases,
  ...iterableCases,
  ...orderCases,
  ...lastWinsCases,
  ...emptyBatchCases,
  ...bucketCases,
  ...listingCases,
  ...closingCases,
];
