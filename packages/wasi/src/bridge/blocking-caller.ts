import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Answer, CallName } from "../stores/calls.js";
import { packArgs, type Response, unpackAnswer } from "./messages.js";

/** The two ends of a bridge share this: a port, and a counter of the responses that the port received. */
export interface Bridge {
  readonly port: MessagePort;
  readonly responses: Int32Array<SharedArrayBuffer>;
}

/** Time in which the other thread must respond after the time limit of a call, in milliseconds. */
const grace = 30_000;

/** Makes calls on stores that another thread owns. Blocks this thread until the response arrives. */
export class BlockingCaller {
  readonly #bridge: Bridge;
  readonly #timeout: number;
  #sequence = 0;

  constructor(bridge: Bridge, timeout: number) {
    this.#bridge = bridge;
    this.#timeout = timeout;
  }

  call(identifier: string, name: CallName, args: readonly unknown[]): Answer<unknown> {
    const { port, responses } = this.#bridge;
    const sequence = ++this.#sequence;
    const { message, transfer } = packArgs(name, args);
    port.postMessage({ sequence, identifier, name, args: message }, transfer);
    const end = performance.now() + this.#timeout + grace;
    for (;;) {
      // The counter is read before the port, so a response that arrives in between changes it and ends the wait.
      const seen = Atomics.load(responses, 0);
      const received = receiveMessageOnPort(port) as { message: Response } | undefined;
      if (received?.message.sequence === sequence) return unpackAnswer(name, received.message.answer);
      // A response to an earlier call, which this thread stopped waiting for.
      if (received !== undefined) continue;
      if (Atomics.wait(responses, 0, seen, end - performance.now()) === "timed-out") return noResponse;
    }
  }
}

const noResponse: Answer<never> = {
  failure: { code: "timeout", message: "timeout: the thread that owns the stores does not respond" },
};
