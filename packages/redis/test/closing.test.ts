import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Manner, RespProxy } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterEach, describe, expect, test } from "vitest";
import { addressesOf } from "./support/addresses.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/**
 * Runs a program that opens a store at each of these URLs, brings it into the state and closes it. Returns, for each
 * state, what then still keeps the program's process alive.
 */
async function afterClosing(urls: Readonly<Record<string, string>>): Promise<unknown> {
  const file = new URL("../dist/index.js", import.meta.url).href;
  const program = fileURLToPath(new URL("./support/closing-program.mjs", import.meta.url));
  const args = [program, file, JSON.stringify(urls)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  // If a timer or socket keeps the process alive, this takes longer than the test may take.
  const [code] = await once(child, "close");
  expect(code).toBe(0);
  return JSON.parse(output);
}

/** Answers nothing from the first command of a connection on, if the connection has this number or a later one. */
function silentFrom(number: number): Manner {
  return (_, connection) => (connection.number >= number ? "hold" : undefined);
}

/** Answers nothing after a command for the key `silent`, `SCAN` or `CONFIG`. */
const silentAtKey: Manner = (command) =>
  command.some((word) => word.endsWith(":silent")) || command[0] === "SCAN" || command[0] === "CONFIG"
    ? "hold"
    : undefined;

const silentAtKill: Manner = (command) =>
  command[1] === "KILL" && (command[3] ?? "").length < 10 ? "hold" : undefined;

const brokenAtKill: Manner = (command) =>
  command[1] === "KILL" && (command[3] ?? "").length < 10 ? "hang-up" : undefined;

const either =
  (...manners: readonly Manner[]): Manner =>
  (command, connection) =>
    manners.map((manner) => manner(command, connection)).find((handling) => handling !== undefined);

const networks: Record<string, Manner> = {
  "a server that answers": () => undefined,
  "a server that is silent on one connection": silentAtKey,
  "a server that is silent on one connection and on all later ones": either(silentAtKey, silentFrom(2)),
  "a server that is silent on one connection, and on the next at CLIENT KILL": either(silentAtKey, silentAtKill),
  "a server that is silent on one connection, and closes all others at CLIENT KILL": either(silentAtKey, brokenAtKill),
};
const states = [
  "unused",
  "idle",
  "read timed out",
  "write timed out",
  "write cancelled",
  "listing timed out",
  "description timed out",
];

describe.each(["redis", "redis-cluster"] as const)("after close(), nothing of a store on %s is left", (service) => {
  test.each(Object.keys(networks))("with %s", async (name) => {
    const servers = addressesOf(serviceUrl(service));
    const scheme = service === "redis" ? "redis" : "redis+cluster";
    const urls: Record<string, string> = {};
    for (const state of states) {
      const proxies = await Promise.all(servers.map((server) => RespProxy.start(server, networks[name])));
      for (const proxy of proxies) cleanups.push(() => proxy[Symbol.asyncDispose]());
      const map = new Map(servers.map((server, index) => [server.port, proxies[index]?.port]));
      if (service === "redis-cluster") for (const proxy of proxies) proxy.manner = mapping(map, proxy.manner);
      urls[state] = `${scheme}://${proxies.map(({ port }) => `127.0.0.1:${port}`).join()}`;
    }
    expect(await afterClosing(urls)).toEqual(Object.fromEntries(states.map((state) => [state, []])));
  });

  test("with a server that accepts connections and is silent", async () => {
    const [server] = addressesOf(serviceUrl(service));
    if (server === undefined) throw new Error("the URL contains no server address");
    await using proxy = await RespProxy.start(server, silentFrom(1));
    const scheme = service === "redis" ? "redis" : "redis+cluster";
    const connecting = `${scheme}://127.0.0.1:${proxy.port}`;
    expect(await afterClosing({ connecting })).toEqual({ connecting: [] });
  });

  test("with a server that refuses connections", async () => {
    const scheme = service === "redis" ? "redis" : "redis+cluster";
    expect(await afterClosing({ connecting: `${scheme}://127.0.0.1:1` })).toEqual({ connecting: [] });
  });
});

/** Replaces the ports of the nodes by those of their proxies in the answers of a cluster. */
function mapping(ports: ReadonlyMap<number, number | undefined>, manner: Manner): Manner {
  return (command, connection) => {
    const handling = manner(command, connection);
    if (handling !== undefined || command[0] !== "CLUSTER" || command[1] !== "SLOTS") return handling;
    return (reply) => {
      let text = reply.toString("latin1");
      for (const [from, to] of ports) text = text.replaceAll(`:${from}\r\n`, `:${to}\r\n`);
      return Buffer.from(text, "latin1");
    };
  };
}
