import type { ConformanceCase } from "../conformance-case.js";
import { tableCases } from "../table/table.js";
import { coalescedCases } from "./coalesced-calls.js";
import { describeCases } from "./describe.js";
import { driverAnswerCases } from "./driver-answers.js";
import { driverCases } from "./driver-contract.js";
import { engineFailureCases } from "./engine-failures.js";
import { errorClassCases } from "./error-classes.js";
import { errorLeakCases } from "./error-leaks.js";
import { networkLateCases } from "./network-late.js";
import { networkUpdateCases } from "./network-updates.js";
import { processCases } from "./processes.js";
import { readingMethodCases } from "./reading-methods.js";
import { keyLengthCases } from "./s01-key-length.js";
import { keyCases } from "./s01-keys.js";
import { refusedKeyCases } from "./s01-refused-keys.js";
import { keepingCases } from "./s02-keeping.js";
import { refusedValueCases } from "./s02-refused-values.js";
import { valueLengthCases } from "./s02-value-length.js";
import { valueCases } from "./s02-values.js";
import { checkedFirstCases } from "./s03-checked-first.js";
import { iterableCases } from "./s03-iterables.js";
import { throwingInputCases } from "./s03-throwing-input.js";
import { orderCases } from "./s04-order.js";
import { lastWinsCases } from "./s05-last-wins.js";
import { emptyBatchCases } from "./s06-empty-batch.js";
import { modelCases } from "./s07-model.js";
import { readYourWritesCases } from "./s07-read-your-writes.js";
import { atomicityCases } from "./s08-no-atomicity.js";
import { fenceCases } from "./s09-fences.js";
import { networkOutcomeCases } from "./s09-network.js";
import { outcomeCases } from "./s09-outcomes.js";
import { randomFaultCases } from "./s09-random-faults.js";
import { unsettledCases } from "./s09-unsettled.js";
import { failedReadCases } from "./s10-failed-reads.js";
import { networkReadCases } from "./s10-network.js";
import { cancellingCases } from "./s11-cancelling.js";
import { deadlineCases } from "./s11-deadlines.js";
import { sizeCases } from "./s12-any-size.js";
import { bucketCases } from "./s13-buckets.js";
import { listBucketsCases } from "./s13-list-buckets.js";
import { listingCases } from "./s14-listing.js";
import { prefixCases } from "./s14-prefix.js";
import { limitCases } from "./s15-limits.js";
import { closingCases } from "./s16-closing.js";
import { expiryCases } from "./s17-expiry.js";
import { ttlRequestCases } from "./s17-requests.js";
import { ifAbsentCases } from "./s18-if-absent.js";
import { lostAnswerCases } from "./s18-lost-answers.js";
import { incrementCases } from "./s19-increments.js";
import { lostIncrementCases } from "./s20-lost-increments.js";
import { compareAndSwapCases } from "./s21-compare-and-swap.js";
import { lostSwapCases } from "./s21-lost-swaps.js";
import { unsupportedCases } from "./s22-unsupported.js";
import { sameEverywhereCases } from "./same-everywhere.js";
import { settingsCases } from "./settings.js";
import { smallerReadCases } from "./smaller-reads.js";
import { smokeCases } from "./smoke.js";
import { storeConcurrencyCases } from "./store-concurrency.js";
import { typedCases } from "./typed-buckets.js";

/** All cases of the suite. The smoke case is the first. */
export const cases: readonly ConformanceCase[] = [
  ...smokeCases,
  ...keyCases,
  ...keyLengthCases,
  ...refusedKeyCases,
  ...valueCases,
  ...valueLengthCases,
  ...refusedValueCases,
  ...keepingCases,
  ...checkedFirstCases,
  ...iterableCases,
  ...throwingInputCases,
  ...orderCases,
  ...readingMethodCases,
  ...lastWinsCases,
  ...emptyBatchCases,
  ...readYourWritesCases,
  ...modelCases,
  ...atomicityCases,
  ...outcomeCases,
  ...fenceCases,
  ...unsettledCases,
  ...randomFaultCases,
  ...networkOutcomeCases,
  ...failedReadCases,
  ...smallerReadCases,
  ...networkReadCases,
  ...deadlineCases,
  ...cancellingCases,
  ...sizeCases,
  ...storeConcurrencyCases,
  ...bucketCases,
  ...listBucketsCases,
  ...listingCases,
  ...prefixCases,
  ...limitCases,
  ...closingCases,
  ...processCases,
  ...expiryCases,
  ...ttlRequestCases,
  ...ifAbsentCases,
  ...lostAnswerCases,
  ...incrementCases,
  ...lostIncrementCases,
  ...compareAndSwapCases,
  ...lostSwapCases,
  ...networkUpdateCases,
  ...networkLateCases,
  ...unsupportedCases,
  ...sameEverywhereCases,
  ...settingsCases,
  ...describeCases,
  ...typedCases,
  ...coalescedCases,
  ...errorClassCases,
  ...errorLeakCases,
  ...engineFailureCases,
  ...driverCases,
  ...driverAnswerCases,
  ...tableCases,
];
