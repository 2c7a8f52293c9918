import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { CaseContext } from "../case-context.js";
import type { ChildTask } from "../child/run-child.js";
import type { ScenarioName } from "../child/scenarios.js";
import type { ProxySet } from "../faults/proxy-set.js";
import { closeAll, resetNew, standStill } from "./network.js";
import { settles } from "./settles.js";

/** Time after which a child process counts as hanging, in milliseconds. */
const hangs = 40_000;

/**
 * Runs a scenario in a child process. Fails if the scenario fails, if the process does not end by itself, or if
 * something keeps it alive after the scenario. With `proxies`, the client connects through them.
 */
export async function runInChild(context: CaseContext, scenario: ScenarioName, proxies?: ProxySet): Promise<void> {
  const { child, servers = [], options = {} } = context.harness;
  if (child === undefined) return context.skip("the harness has no `child`");
  const bucket = context.bucketName();
  const routes = proxies === undefined ? [] : servers.map((server) => [server, proxies.route(server)] as const);
  const task: ChildTask = { scenario, data: child.data, options, bucket, routes };
  const ran = spawn(process.execPath, [fileURLToPath(child.file), JSON.stringify(task)], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const exited = once(ran, "exit");
  context.onClose(async () => {
    ran.kill("SIGKILL");
    await exited;
  });
  let output = "";
  let serve = (): void => {};
  ran.stderr?.on("data", (chunk) => {
    output += String(chunk);
  });
  ran.on("message", (step) => {
    if (step === "silence" && proxies !== undefined) standStill(proxies);
    if (step === "refuse") proxies?.refuse();
    if (proxies !== undefined && (step === "cut" || step === "reset")) closeAll(proxies, step);
    if (proxies !== undefined && step === "reset-new") serve = resetNew(proxies);
    if (step === "serve") serve();
    ran.send("done");
  });
  const ended = await settles(exited, hangs, `the child process of ${scenario}`).catch(() => {
    assert.fail(`the child process of ${scenario} must end, but runs on\n${output}`);
  });
  if (ended.status === "rejected") throw ended.reason;
  const [code, signal] = ended.value;
  assert.equal(code ?? signal, 0, `the child process of ${scenario} must end with code 0\n${output}`);
  if (proxies !== undefined) {
    assert.ok(
      proxies.connections > 0,
      "no connection came through the proxies: the driver of `child` must connect to the address that `route(server)` returns",
    );
  }
}
