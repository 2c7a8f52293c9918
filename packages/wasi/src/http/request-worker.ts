// A thread that handles requests with a component. It waits for the stores of the server's thread.
import { parentPort, workerData } from "node:worker_threads";
import { BlockingCaller, type Bridge } from "../bridge/blocking-caller.js";
import { describeError } from "../bridge/worker-messages.js";
import { loadComponent } from "../component/load-component.js";
import { type WasiOptions, wasiImports } from "../component/wasi-imports.js";
import { type HostSettings, KeyvalueHost } from "../keyvalue.js";
import type { HttpRequest } from "./exchange.js";
import { requestHandler } from "./request-handler.js";
import type { ThreadMessage } from "./request-threads.js";

export interface RequestWorkerData {
  readonly component: Uint8Array;
  readonly cache: string | undefined;
  readonly host: HostSettings | undefined;
  readonly bridge: Bridge;
  readonly timeout: number;
  readonly wasi: WasiOptions;
}

const { component: bytes, cache, host, bridge, timeout, wasi } = workerData as RequestWorkerData;
const caller = new BlockingCaller(bridge, timeout);
const keyvalue =
  host &&
  new KeyvalueHost(host, {
    call: (identifier, name, ...args) => caller.call(identifier, name, args) as never,
    open: async () => {},
    close: async () => {},
  });
const component = await loadComponent(bytes, { mode: "sync", cache });
const handle = await requestHandler(component, keyvalue, await wasiImports(wasi));

const send = (message: ThreadMessage) => parentPort?.postMessage(message);

parentPort?.on("message", async (request: HttpRequest) => {
  try {
    await handle(request, {
      head: (status, headers) => send({ name: "head", args: [status, headers] }),
      write: (chunk) => send({ name: "write", args: [new Uint8Array(chunk)] }),
      end: () => send({ name: "end", args: [] }),
      abort: () => send({ name: "abort", args: [] }),
    });
    send({ name: "done" });
  } catch (error) {
    send({ name: "done", error: describeError(error) });
  }
});
