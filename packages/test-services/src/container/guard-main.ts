/**
 * Main module of a separate process. When its parent sends `stop` or ends, even by `kill -9`, the process removes
 * every container with a given label. Testcontainers' Ryuk does the same, but cannot run in some environments.
 */
import { type IncomingMessage, request } from "node:http";
import { request as secureRequest } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { GuardRequest } from "./guard-messages.js";

/** How long the engine may still create containers after the parent process has ended, in ms. */
const lateContainers = 5_000;

/** How long the guard retries if the engine fails, in ms. */
const maxRetryTime = 30_000;

let watched: Extract<GuardRequest, { type: "watch" }> | undefined;

process.on("SIGINT", () => {});
process.on("SIGHUP", () => {});
process.on("SIGTERM", () => void end(0));
process.on("disconnect", () => void end(lateContainers));
process.on("message", (message: GuardRequest) => {
  if (message.type === "watch") watched = message;
  else void end(0);
});
// If the parent ended while this module was loading, Node emits no "disconnect".
if (!process.connected) void end(lateContainers);

/**
 * Removes the containers repeatedly, for at least `wait` ms and until the engine has removed all of them. Then exits.
 * If the engine still fails after `maxRetryTime`, exits with code 1.
 */
async function end(wait: number): Promise<void> {
  const startedAt = Date.now();
  for (;;) {
    const error: unknown = await removeContainers().catch((reason) => reason);
    const elapsed = Date.now() - startedAt;
    if (error === undefined && elapsed >= wait) process.exit(0);
    if (error !== undefined && elapsed >= maxRetryTime) giveUp(error);
    await sleep(500);
  }
}

function giveUp(error: unknown): never {
  console.error(
    `Cannot remove the containers with the label ${watched?.label}: ${error}. Remove them with docker rm --force.`,
  );
  process.exit(1);
}

async function removeContainers(): Promise<void> {
  if (!watched) return;
  const filters = encodeURIComponent(JSON.stringify({ label: [watched.label] }));
  const found = JSON.parse(await call("GET", `/containers/json?all=true&filters=${filters}`));
  await Promise.all(found.map(({ Id }: { Id: string }) => call("DELETE", `/containers/${Id}?force=true&v=true`)));
}

/** Sends a request to the engine and returns the response body: https://docs.docker.com/reference/api/engine/ */
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
  const removed = method === "DELETE" && status === 404;
  if (status < 300 || removed) return body;
  throw new Error(`the Docker engine responded with ${status} to ${method} ${path}`);
}
