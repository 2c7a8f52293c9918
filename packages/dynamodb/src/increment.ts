import { addToInteger, FaultError, type IncrementRequest } from "@manykv/core/driver";
import { type ConditionalWrite, currentItem, partitionKey, writeIf } from "./conditional-write.js";
import { contended, malformedAnswer, UnmetCondition } from "./error-table.js";
import { encodeValue, expiryValues, isAbsent, isLive, numberValue } from "./layout.js";
import { counterOf, liveValueOf } from "./stored-item.js";
import type { Transport } from "./transport/transport.js";

const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

/** Condition: the item is a counter, and the sum fits in 64 bits. */
const fits = "#n BETWEEN :low AND :high";

/**
 * Adds to a number attribute, which DynamoDB does atomically. One request creates a missing key or increments a counter.
 * Its condition is not met for a value that `set` has stored, an expired key, a sum that does not fit, and, if the request
 * has a `ttl`, a counter that does not expire. The item then decides which second request to send, if any.
 */
export async function increment(transport: Transport, request: IncrementRequest): Promise<bigint> {
  const { layout, clock } = transport;
  const first = await apply(transport, request, addOrCreate(transport, request));
  if (typeof first === "bigint") return first;
  const item = await currentItem(transport, request, first);
  const stored = liveValueOf(item, layout, clock.now());
  const sum = addToInteger(stored, request.delta);
  let write: ConditionalWrite;
  if (stored === undefined) write = create(transport, request);
  else if (counterOf(item, layout) === undefined) write = convert(stored, sum);
  else write = add(request, `${fits} AND ${isLive}`);
  const second = await apply(transport, request, write);
  if (typeof second === "bigint") return second;
  throw new FaultError(contended);
}

/** Sends a write. Returns the new value of the counter, or the error of a condition that is not met. */
async function apply(
  transport: Transport,
  request: IncrementRequest,
  write: ConditionalWrite,
): Promise<bigint | UnmetCondition> {
  const answer = await writeIf(transport, request, write);
  if (answer instanceof UnmetCondition) return answer;
  if (write.operation === "PutItem") return request.delta;
  const counter = counterOf(answer.Attributes, transport.layout);
  if (counter === undefined || !isInRange(BigInt(counter))) throw malformedAnswer();
  return BigInt(counter);
}

/** With a `ttl`, adds only to a counter that expires, because the update then does not change its expiry. */
function addOrCreate({ clock }: Transport, request: IncrementRequest): ConditionalWrite {
  const isNew = "attribute_not_exists(#k)";
  if (request.ttl === undefined) return add(request, `${isNew} OR (${fits} AND ${isLive})`);
  const { update, values, ...write } = add(request, `${isNew} OR (${fits} AND #e > :now)`);
  return {
    ...write,
    update: `${update} SET #e = if_not_exists(#e,:e), #t = if_not_exists(#t,:t)`,
    values: { ...values, ...expiryValues(clock.expiryAfter(request.ttl)) },
  };
}

function add({ delta }: IncrementRequest, condition: string): ConditionalWrite {
  const low = delta < 0n ? smallest - delta : smallest;
  const high = delta > 0n ? largest - delta : largest;
  const values = { ":d": numberValue(delta), ":low": numberValue(low), ":high": numberValue(high) };
  return { operation: "UpdateItem", update: "ADD #n :d", condition, values, returns: "UPDATED_NEW" };
}

/** Creates the counter, or replaces an expired item. */
function create({ layout, clock }: Transport, request: IncrementRequest): ConditionalWrite {
  const expiry = request.ttl === undefined ? undefined : clock.expiryAfter(request.ttl);
  const item = layout.counterJson(partitionKey(request), request.delta, expiry);
  return { operation: "PutItem", item, condition: isAbsent };
}

/** Replaces a value that `set` has stored, if it is still the same. */
function convert(stored: Uint8Array, sum: bigint): ConditionalWrite {
  return {
    operation: "UpdateItem",
    update: "SET #n = :n REMOVE #v",
    condition: `#v = :v AND ${isLive}`,
    values: { ":n": numberValue(sum), ":v": { B: encodeValue(stored) } },
    returns: "UPDATED_NEW",
  };
}

function isInRange(integer: bigint): boolean {
  return integer === BigInt.asIntN(64, integer);
}
