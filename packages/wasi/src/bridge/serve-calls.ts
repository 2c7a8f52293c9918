import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { CallRunner } from "../stores/call-runner.js";
import type { Bridge } from "./blocking-caller.js";
import { packAnswer, type Request, unpackArgs } from "./messages.js";

/** Creates a bridge. The first end is for the thread that owns the stores, and the second one for the thread that waits. */
export function createBridge(): readonly [owner: Bridge, waiting: Bridge] {
  const { port1, port2 } = new MessageChannel();
  const responses = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  return [
    { port: port1, responses },
    { port: port2, responses },
  ];
}

/** Responds to the calls that arrive at a bridge. */
export function serveCalls(runner: CallRunner, { port, responses }: Bridge): void {
  port.on("message", (request: Request) => void respond(runner, port, responses, request));
}

async function respond(
  runner: CallRunner,
  port: MessagePort,
  responses: Int32Array<SharedArrayBuffer>,
  { sequence, identifier, name, args }: Request,
): Promise<void> {
  const answer = await runner.run(identifier, name, unpackArgs(name, args) as never);
  const { message, transfer } = packAnswer(name, answer);
  port.postMessage({ sequence, answer: message }, transfer);
  Atomics.add(responses, 0, 1);
  Atomics.notify(responses, 0);
}
