import diagnostics from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { TcpProxy } from "@manykv/conformance/faults";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes } from "./support/bytes.js";

const losses = 20;
const [server] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];

test.each(["url", "client"])("a store by %s does not keep lost connections in memory", async (way) => {
  await using proxy = await TcpProxy.start(server);
  const opened = openedTo(proxy.port);
  const client = way === "client" ? new Redis(proxy.url("redis://localhost"), { retryStrategy: () => 1 }) : undefined;
  client?.on("error", () => {});
  const store = redisStore(client === undefined ? { url: proxy.url("redis://localhost") } : { client });
  const bucket = await store.open(randomName());
  for (let loss = 0; loss < losses; loss++) {
    await bucket.set("key", bytes("value"));
    proxy.last.cut();
  }
  await bucket.set("key", bytes("value"));
  const sockets = opened();
  expect(sockets.length).toBeGreaterThanOrEqual(losses);
  // The garbage collector may keep recently used objects.
  await expect.poll(() => stillKept(sockets), { timeout: 20_000 }).toBeLessThan(losses / 2);
  await store.close();
  client?.disconnect();
});

/** Records the sockets that this process opens to a port. The returned function stops this and returns the sockets. */
function openedTo(port: number): () => readonly WeakRef<Socket>[] {
  const sockets: WeakRef<Socket>[] = [];
  const note = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    socket.once("connect", () => {
      if (socket.remotePort === port) sockets.push(new WeakRef(socket));
    });
  };
  diagnostics.subscribe("net.client.socket", note);
  return () => {
    diagnostics.unsubscribe("net.client.socket", note);
    return sockets;
  };
}

setFlagsFromString("--expose_gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function stillKept(sockets: readonly WeakRef<Socket>[]): Promise<number> {
  await pause(1);
  collectGarbage();
  return sockets.filter((socket) => socket.deref() !== undefined).length;
}
