// The worker that owns the stores of a host whose components wait without JSPI.
import { parentPort, workerData } from "node:worker_threads";
import { CallRunner } from "../stores/call-runner.js";
import { StoreTable } from "../stores/store-table.js";
import { serveCalls } from "./serve-calls.js";
import { describeError, type WorkerCommand, type WorkerMessage, type WorkerSettings } from "./worker-messages.js";

const { settings, bridge, timeout, maxResultBytes } = workerData as WorkerSettings;
const table = new StoreTable(settings, timeout);
const send = (message: WorkerMessage) => parentPort?.postMessage(message);

const runner = new CallRunner(table, {
  timeout,
  maxResultBytes,
  onError: ({ identifier, call, error }) => send({ failed: { identifier, call, error: describeError(error) } }),
});
serveCalls(runner, bridge);

parentPort?.on("message", async (command: WorkerCommand) => {
  try {
    await table[command]();
    send({ settled: command });
  } catch (error) {
    send({ settled: command, error: describeError(error) });
  }
});
