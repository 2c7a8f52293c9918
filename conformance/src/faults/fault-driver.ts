import {
  createRequest,
  type Driver,
  type DriverRequest,
  type Fault,
  FaultError,
  type ItemFault,
  type KeysRequest,
  pickKeys,
  type ReadAnswer,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import {
  type CallFault,
  describeCallFault,
  describeKeyFault,
  type FaultSchedule,
  type KeyFault,
  type Operation,
} from "./call-fault.js";
import { answerLost, throttled, timeOver } from "./engine-faults.js";
import { faultListenerOf } from "./fault-listeners.js";
import { type AnyRequest, keysOf, sendSet, wrapDriver } from "./wrap-driver.js";

/**
 * Returns a driver that injects the faults of `schedule` and forwards everything else to `inner`. A test can compare
 * the reported outcome of each key with the value that `inner` stores.
 */
export function faultDriver(inner: Driver, schedule: FaultSchedule): Driver {
  const late = new LateRequests();
  const note = faultListenerOf(inner);
  let calls = 0;
  const faultOf = (operation: Operation, request: AnyRequest): CallFault | undefined => {
    const keys = keysOf(request);
    const fault = schedule({ call: calls++, operation, bucket: request.bucket ?? "", keys });
    return fault && note ? notedFault(fault, (what) => note(what, `${operation} of ${keys.length} keys`)) : fault;
  };

  /** Handles a request whose answer contains a result for each key. */
  async function send<Answer extends WriteAnswer>(
    operation: Operation,
    request: KeysRequest,
    forward: (request: SetRequest) => Promise<Answer>,
  ): Promise<Answer> {
    const { keys } = request;
    const fault = faultOf(operation, request);
    if (fault?.kind === "keys") return sendSome(request, fault.of, forward);
    const answers = {
      now: () => forward(request as SetRequest),
      later: () => forward(copyOf(request)),
      none: (lost: Fault) => everyKey<Answer>(keys.length, lost),
    };
    return sendWhole(fault, request, answers, late);
  }

  /** Handles a request that succeeds or fails as a whole. */
  async function sendOne<Answer>(
    operation: Operation,
    request: AnyRequest,
    forward: (request: Request) => Promise<Answer>,
    later: () => Promise<unknown> = () => forward(copyOf(request)),
  ): Promise<Answer> {
    const fault = faultOf(operation, request);
    const [key] = keysOf(request);
    const answers = {
      now: () => forward(request as Request),
      later,
      none: (lost: Fault): never => {
        throw new FaultError(lost);
      },
    };
    const whole = fault?.kind === "keys" ? key !== undefined && wholeOf(fault.of(key, 0)) : fault;
    return sendWhole(whole || undefined, request, answers, late);
  }

  const { exists, ttl, setIfAbsent, increment, compareAndSwap, listBuckets, sweep, provision, describe } = inner;
  // A late response of a request that reads changes nothing.
  const notLater = (): Promise<void> => Promise.resolve();
  return wrapDriver(
    inner,
    {
      get: (request) => send("get", request, (part) => inner.get(part)),
      set: (request) => send("set", request, (part) => sendSet(inner, part)),
      delete: (request) => send("delete", request, (part) => inner.delete(part)),
      list: (request) => sendOne("list", request, (same) => inner.list(same), notLater),
      ...(exists && { exists: (request) => send("exists", request, (part) => exists.call(inner, part)) }),
      ...(ttl && { ttl: (request) => send("ttl", request, (part) => ttl.call(inner, part)) }),
      ...(setIfAbsent && {
        setIfAbsent: (request) => send("setIfAbsent", request, (part) => setIfAbsent.call(inner, part)),
      }),
      ...(increment && {
        increment: (request) => sendOne("increment", request, (same) => increment.call(inner, same)),
      }),
      ...(compareAndSwap && {
        compareAndSwap: (request) => sendOne("compareAndSwap", request, (same) => compareAndSwap.call(inner, same)),
      }),
      ...(listBuckets && {
        listBuckets: (request) => sendOne("listBuckets", request, (same) => listBuckets.call(inner, same), notLater),
      }),
      ...(sweep && { sweep: (request) => sendOne("sweep", request, (same) => sweep.call(inner, same)) }),
      ...(provision && {
        provision: (request) => sendOne("provision", request, (same) => provision.call(inner, same)),
      }),
      ...(describe && {
        describe: (request) => sendOne("describe", request, (same) => describe.call(inner, same), notLater),
      }),
      close: async () => {
        await late.cancelAll();
        await inner.close();
      },
    },
    ["prepareSet"],
  );
}

type Request = ReturnType<typeof createRequest>;

/** Calls `note` with the fault in words or, for a fault of some keys, with each kind of fault that these keys have. */
function notedFault(fault: CallFault, note: (what: string) => void): CallFault {
  if (fault.kind !== "keys") {
    note(describeCallFault(fault));
    return fault;
  }
  const noted = new Set<string>();
  const of = (key: string, index: number): KeyFault | undefined => {
    const keyFault = fault.of(key, index);
    const what = keyFault && describeKeyFault(keyFault);
    if (what !== undefined && !noted.has(what)) note(what);
    if (what !== undefined) noted.add(what);
    return keyFault;
  };
  return { kind: "keys", of };
}

/** Returns the fault of a request with one key. */
function wholeOf(fault: KeyFault | undefined): WholeFault | undefined {
  if (fault?.kind === "unprocessed") return { kind: "reject", fault: throttled };
  return fault && { ...fault, kind: "reject" };
}

type WholeFault = Exclude<CallFault, { kind: "keys" }>;

/** The ways to handle a request: send it to the engine immediately, send a copy later, or let it fail with a fault. */
interface Answers<Answer> {
  now(): Promise<Answer>;
  later(): Promise<unknown>;
  none(fault: Fault): Answer;
}

async function sendWhole<Answer>(
  fault: WholeFault | undefined,
  request: DriverRequest,
  answers: Answers<Answer>,
  late: LateRequests,
): Promise<Answer> {
  switch (fault?.kind) {
    case undefined:
      return answers.now();
    case "reject":
      if (fault.applied) await answers.now();
      throw new FaultError(fault.fault, `injected fault: ${fault.fault.code}`);
    case "drop-request":
      await aborted(request);
      return answers.none({ ...timeOver, fence: fault.fence });
    case "drop-answer":
      await Promise.all([answers.now().then(fault.onAnswer), aborted(request)]);
      return answers.none(timeOver);
    case "hang":
      return new Promise(() => {});
    case "delay":
      await pause(fault.milliseconds);
      return answers.now();
    case "late-answer": {
      const [answer] = await Promise.all([answers.now(), pause(fault.milliseconds)]);
      return answer;
    }
    case "late-apply": {
      const fence = late.add(answers.later, fault.milliseconds);
      return answers.none(fault.fence === false ? answerLost : { ...answerLost, fence });
    }
  }
}

/**
 * Sends the keys that have no fault and the failing keys that have `applied: true`. Adds the injected faults to the
 * driver's answer.
 */
async function sendSome<Answer extends WriteAnswer>(
  request: KeysRequest,
  faultOf: (key: string, index: number) => KeyFault | undefined,
  forward: (request: SetRequest) => Promise<Answer>,
): Promise<Answer> {
  const sent: number[] = [];
  const unprocessed: number[] = [];
  const faults: ItemFault[] = [];
  for (const [index, key] of request.keys.entries()) {
    const fault = faultOf(key, index);
    if (fault?.kind === "unprocessed") unprocessed.push(index);
    if (fault?.kind === "fail") faults.push({ ...fault.fault, index });
    if (fault === undefined || (fault.kind === "fail" && fault.applied)) sent.push(index);
  }
  const answer = sent.length > 0 ? await forward(pickKeys(request as SetRequest, sent)) : undefined;
  const failed = new Set(faults.map(({ index }) => index));
  const indexOf = (index: number): number => sent[index] as number;
  const values = new Array<unknown>(request.keys.length).fill(undefined);
  const answered = (answer as Partial<ReadAnswer<unknown>> | undefined)?.values ?? [];
  for (const [index, value] of answered.entries()) values[indexOf(index)] = value;
  for (const index of answer?.unprocessed ?? []) if (!failed.has(indexOf(index))) unprocessed.push(indexOf(index));
  for (const fault of answer?.faults ?? [])
    if (!failed.has(indexOf(fault.index))) faults.push({ ...fault, index: indexOf(fault.index) });
  return { values, unprocessed, faults } as unknown as Answer;
}

/** Requests that reach the engine after their promise has settled. */
class LateRequests {
  readonly #cancels = new Set<() => Promise<void>>();

  /**
   * Sends a request after a delay. Returns a fence that cancels the request or, if the request was already sent, waits
   * until the request settles. After the fence resolves, the request can no longer take effect.
   */
  add(send: () => Promise<unknown>, milliseconds: number): () => Promise<void> {
    let sent: Promise<unknown> = Promise.resolve();
    const timer = setTimeout(() => {
      sent = send().catch(() => {});
    }, milliseconds);
    const cancel = async (): Promise<void> => {
      clearTimeout(timer);
      await sent;
      this.#cancels.delete(cancel);
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  async cancelAll(): Promise<void> {
    await Promise.all([...this.#cancels].map((cancel) => cancel()));
  }
}

/** Copies a request, because the caller may change the values as soon as the original request has settled. */
function copyOf(request: AnyRequest): Request {
  const { bucket = "", values, ttls, delta, ttl, expected, value } = request;
  return createRequest({
    bucket,
    keys: [...keysOf(request)],
    values: values?.map((each) => new Uint8Array(each)),
    ttls,
    delta,
    ttl,
    expected: expected && new Uint8Array(expected),
    value: value && new Uint8Array(value),
  });
}

function everyKey<Answer extends WriteAnswer>(size: number, fault: Fault): Answer {
  const faults = Array.from({ length: size }, (_, index): ItemFault => ({ ...fault, index }));
  return { values: new Array<undefined>(size), faults } as unknown as Answer;
}

function aborted(request: DriverRequest): Promise<void> {
  if (request.aborted) return Promise.resolve();
  return new Promise((resolve) => request.onAbort(resolve));
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
