import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { GuardRequest } from "../src/container/guard-messages.js";

const guardMain = fileURLToPath(new URL("../dist/container/guard-main.js", import.meta.url));

type Fault = (response: ServerResponse) => void;
const error: Fault = (response) => response.writeHead(500).end('{"message":"stuck"}');
const reset: Fault = (response) => response.socket?.resetAndDestroy();

/** Starts a fake Docker engine with containers. `faults[i]` is the fault of request `i`, if any. */
async function startEngine(containers: Set<string>, faults: (Fault | undefined)[]): Promise<number> {
  const server = createServer(({ method, url }, response) => {
    const fault = faults.shift();
    if (fault) return fault(response);
    if (method === "GET") return response.end(JSON.stringify([...containers].map((Id) => ({ Id }))));
    const id = /containers\/(\w+)/.exec(url ?? "")?.[1] ?? "";
    return response.writeHead(containers.delete(id) ? 204 : 404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test.each([
  ["responds to the listing with errors", [error, error]],
  ["breaks the connection", [reset]],
  ["lists the containers and fails to remove them", [undefined, error, reset]],
] as const)("the guard removes all containers even if the engine first %s", async (_, faults) => {
  const containers = new Set(["one", "two"]);
  const port = await startEngine(containers, [...faults]);
  const guard = fork(guardMain, [], { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  onTestFinished(() => void guard.kill("SIGKILL"));
  const ended = once(guard, "exit");
  const engine = { protocol: "http", host: "127.0.0.1", port } as const;
  guard.send({ type: "watch", engine, label: "label=test" } satisfies GuardRequest);
  guard.send({ type: "stop" } satisfies GuardRequest);
  expect(await ended).toEqual([0, null]);
  expect([...containers]).toEqual([]);
});
