import type { Incomplete, ItemFault, KeysRequest, ReadAnswer, SetRequest } from "@manykv/core";
import type { KeyFault } from "./call-fault.js";

/** A request cut into the part that reaches the engine and the keys that fail. */
export interface SplitRequest<Request> {
  readonly size: number;
  /** What reaches the engine; absent where nothing does. */
  readonly forwarded: Request | undefined;
  /** `places[i]` is the index, in the whole request, of the forwarded part's key `i`. */
  readonly places: readonly number[];
  readonly unprocessed: readonly number[];
  readonly faults: readonly ItemFault[];
}

export function splitKeys<Request extends KeysRequest>(
  request: Request,
  faultOf: (key: string, index: number) => KeyFault | undefined,
): SplitRequest<Request> {
  const places: number[] = [];
  const unprocessed: number[] = [];
  const faults: ItemFault[] = [];
  for (const [index, key] of request.keys.entries()) {
    const fault = faultOf(key, index);
    if (fault?.kind === "unprocessed") unprocessed.push(index);
    if (fault?.kind === "fail") faults.push({ ...fault.fault, index });
    if (fault === undefined || (fault.kind === "fail" && fault.applied)) places.push(index);
  }
  const forwarded = places.length > 0 ? partOf(request, places) : undefined;
  return { size: request.keys.length, forwarded, places, unprocessed, faults };
}

function partOf<Request extends KeysRequest>(request: Request, places: readonly number[]): Request {
  const { values } = request as KeysRequest & Partial<SetRequest>;
  const { bucket, signal, deadline } = request;
  return {
    bucket,
    signal,
    deadline,
    keys: at(request.keys, places),
    ...(values && { values: at(values, places) }),
  } as unknown as Request;
}

function at<Item>(items: readonly Item[], places: readonly number[]): Item[] {
  return places.map((place) => items[place] as Item);
}

/** The answer to the whole request: what the engine said of its part, and the faults of the rest. */
export function mergeAnswers<Answer extends Incomplete>(
  split: SplitRequest<unknown>,
  answer: Answer | undefined,
): Answer {
  const place = (index: number): number => split.places[index] as number;
  const faulty = new Set(split.faults.map((fault) => fault.index));
  const values = new Array<unknown>(split.size).fill(undefined);
  for (const [index, value] of (answer as Partial<ReadAnswer<unknown>> | undefined)?.values?.entries() ?? [])
    values[place(index)] = value;
  const own = (index: number): boolean => !faulty.has(index);
  return {
    values,
    unprocessed: [...split.unprocessed, ...(answer?.unprocessed ?? []).map(place).filter(own)],
    faults: [
      ...split.faults,
      ...(answer?.faults ?? [])
        .map((fault) => ({ ...fault, index: place(fault.index) }))
        .filter((fault) => own(fault.index)),
    ],
  } as unknown as Answer;
}
