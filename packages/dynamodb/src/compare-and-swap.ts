import type { SwapResult } from "@manykv/core";
import { FaultError, type SwapRequest } from "@manykv/core/driver";
import { type ConditionalWrite, currentItem, partitionKey, writeIf } from "./conditional-write.js";
import { contended, UnmetCondition } from "./error-table.js";
import { encodeValue, isAbsent, isLive, type Layout, type Values } from "./layout.js";
import { counterText, liveValueOf } from "./stored-item.js";
import type { Transport } from "./transport/transport.js";

/** Swaps with one conditional write. */
export async function compareAndSwap(transport: Transport, request: SwapRequest): Promise<SwapResult> {
  const { layout, clock } = transport;
  const answer = await writeIf(transport, request, swap(layout, request));
  if (!(answer instanceof UnmetCondition)) return { swapped: true };
  const item = await currentItem(transport, request, answer);
  const current = liveValueOf(item, layout, clock.now());
  // The key changed, or expired, after the write.
  if (areEqual(current, request.expected)) throw new FaultError(contended);
  return { swapped: false, current };
}

function swap(layout: Layout, request: SwapRequest): ConditionalWrite {
  const { expected, value } = request;
  if (expected === undefined) {
    if (value === undefined) return { operation: "DeleteItem", condition: isAbsent };
    return { operation: "PutItem", item: layout.itemJson(partitionKey(request), value), condition: isAbsent };
  }
  const counter = counterText(expected);
  const isExpected = counter === undefined ? "#v = :x" : "(#v = :x OR #n = :n)";
  const condition = `${isExpected} AND ${isLive}`;
  const values: Values = { ":x": { B: encodeValue(expected) }, ...(counter !== undefined && { ":n": { N: counter } }) };
  if (value === undefined) return { operation: "DeleteItem", condition, values };
  const update = "SET #v = :v REMOVE #n";
  return { operation: "UpdateItem", update, condition, values: { ...values, ":v": { B: encodeValue(value) } } };
}

function areEqual(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}
