import type {
  Driver,
  DriverRequest,
  Fault,
  Incomplete,
  ItemFault,
  KeysRequest,
  ListRequest,
  ReadAnswer,
  SetRequest,
} from "@manykv/core";
import type { Operation } from "../support/recording-driver.js";
import { pause } from "../support/settles.js";
import { wrapDriver } from "../support/wrap-driver.js";
import type { CallFault, FaultSchedule } from "./call-fault.js";
import { answerLost, timeOver } from "./faults.js";
import { InjectedError } from "./injected-error.js";
import { LateRequests } from "./late-requests.js";
import { mergeAnswers, splitKeys } from "./split-keys.js";

/**
 * A driver whose requests go wrong as `schedule` says. Everything else it leaves to `inner`, so that the outcome of each
 * key can be compared with what is really there.
 */
export function faultDriver(inner: Driver, schedule: FaultSchedule): Driver {
  const late = new LateRequests();
  let calls = 0;

  function faultOf(operation: Operation, bucket: string, keys: readonly string[]): CallFault | undefined {
    return schedule({ call: calls++, operation, bucket, keys });
  }

  async function keysCall<Request extends KeysRequest, Answer extends Incomplete>(
    operation: Operation,
    request: Request,
    forward: (request: Request) => Promise<Answer>,
  ): Promise<Answer> {
    const fault = faultOf(operation, request.bucket, request.keys);
    if (fault?.kind === "keys") {
      const split = splitKeys(request, fault.of);
      return mergeAnswers(split, split.forwarded ? await forward(split.forwarded) : undefined);
    }
    const unanswered = (lost: Fault): Answer => allFaulty<Answer>(request.keys.length, lost);
    return wholeCall(
      fault,
      request,
      () => forward(request),
      unanswered,
      () => forward(copyOf(request)),
    );
  }

  async function wholeCall<Answer>(
    fault: Exclude<CallFault, { kind: "keys" }> | undefined,
    request: DriverRequest,
    forward: () => Promise<Answer>,
    unanswered: (fault: Fault) => Answer,
    forwardLate: () => Promise<unknown>,
  ): Promise<Answer> {
    switch (fault?.kind) {
      case undefined:
        return forward();
      case "reject":
        if (fault.applied) await forward();
        throw new InjectedError(fault.fault);
      case "drop-request":
        await fired(request.signal);
        return unanswered(timeOver);
      case "drop-answer":
        await Promise.all([forward(), fired(request.signal)]);
        return unanswered(timeOver);
      case "hang":
        return new Promise(() => {});
      case "delay":
        await pause(fault.milliseconds);
        return forward();
      case "late-answer": {
        const [answer] = await Promise.all([forward(), pause(fault.milliseconds)]);
        return answer;
      }
      case "late-apply": {
        const fence = late.add(forwardLate, fault.milliseconds);
        return unanswered(fault.fence === false ? answerLost : { ...answerLost, fence });
      }
    }
  }

  const { exists } = inner;
  return wrapDriver(inner, {
    get: (request) => keysCall("get", request, (part) => inner.get(part)),
    set: (request) => keysCall("set", request, (part) => inner.set(part)),
    delete: (request) => keysCall("delete", request, (part) => inner.delete(part)),
    ...(exists && { exists: (request) => keysCall("exists", request, (part) => exists.call(inner, part)) }),
    list: (request: ListRequest) => {
      const fault = faultOf("list", request.bucket, []);
      const failed = (lost: Fault): never => {
        throw new InjectedError(lost);
      };
      const whole = fault?.kind === "keys" ? undefined : fault;
      return wholeCall(
        whole,
        request,
        () => inner.list(request),
        failed,
        async () => {},
      );
    },
    classify: (error) => (error instanceof InjectedError ? error.fault : inner.classify(error)),
    close: async () => {
      await late.cancelAll();
      await inner.close();
    },
  });
}

/** A request whose bytes the caller may change from now on. */
function copyOf<Request extends KeysRequest>(request: Request): Request {
  const { bucket, keys, values } = request as KeysRequest & Partial<SetRequest>;
  return {
    bucket,
    keys: [...keys],
    ...(values && { values: values.map((value) => value.slice()) }),
    signal: new AbortController().signal,
    deadline: Number.POSITIVE_INFINITY,
  } as unknown as Request;
}

function allFaulty<Answer extends Incomplete>(size: number, fault: Fault): Answer {
  const faults = Array.from({ length: size }, (_, index): ItemFault => ({ ...fault, index }));
  const answer: ReadAnswer<undefined> = { values: new Array<undefined>(size), faults };
  return answer as unknown as Answer;
}

function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
