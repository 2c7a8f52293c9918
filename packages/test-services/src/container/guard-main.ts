/**
 * A process of its own beside the tests. It removes every container with one label when it is told to, or when its
 * parent ends without a word, `kill -9` included. Ryuk does the same where it runs; this works without it.
 */
import { type IncomingMessage, request } from "node:http";
import { request as secureRequest } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { GuardRequest } from "./guard-messages.js";

/** The engine may still be making a container that a parent asked for just before it was killed: so long, in ms. */
const LATE = 5_000;

/** An engine that fails is asked again for so long, in ms. */
const PATIENCE = 30_000;

let watched: Extract<GuardRequest, { type: "watch" }> | undefined;

process.on("SIGINT", () => {});
process.on("SIGHUP", () => {});
process.on("SIGTERM", () => void end(0));
process.on("disconnect", () => void end(LATE));
process.on("message", (message: GuardRequest) => {
  if (message.type === "watch") watched = message;
  else void end(0);
});
// A parent that died while this module was being loaded has been and gone as an event.
if (!process.connected) void end(LATE);

/** Looks for containers for `wait` ms, and until the engine has removed all that are there. */
async function end(wait: number): Promise<void> {
  const begun = Date.now();
  for (;;) {
    const error: unknown = await removeContainers().catch((reason) => reason);
    const past = Date.now() - begun;
    if (error === undefined && past >= wait) process.exit(0);
    if (error !== undefined && past >= PATIENCE) giveUp(error);
    await sleep(500);
  }
}

function giveUp(error: unknown): never {
  console.error(`containers with the label ${watched?.label} may be left: ${error}`);
  process.exit(1);
}

async function removeContainers(): Promise<void> {
  if (!watched) return;
  const filters = encodeURIComponent(JSON.stringify({ label: [watched.label] }));
  const found = JSON.parse(await call("GET", `/containers/json?all=true&filters=${filters}`));
  await Promise.all(
    found.map(({ Id }: { Id: string }) => call("DELETE", `/containers/${Id}?force=true&v=true`)),
  );
}

/** https://docs.docker.com/reference/api/engine/ */
async function call(method: string, path: string): Promise<string> {
  const { protocol, ...address } = watched?.engine ?? { protocol: "http" };
  const open = protocol === "https" ? secureRequest : request;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    open({ ...address, method, path })
      .once("response", resolve)
      .once("error", reject)
      .end();
  });
  const body = await text(response);
  const status = response.statusCode ?? 0;
  const gone = method === "DELETE" && status === 404;
  if (status < 300 || gone) return body;
  throw new Error(`the engine answered ${status} to ${method} ${path}`);
}
