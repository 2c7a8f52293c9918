import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const mebibyte = 1_048_576;
const filler = Buffer.alloc(mebibyte, 0x61);
/** Resident memory that a process may need at most while a server sends without end, in bytes. */
const mostMemory = 200_000_000;

/** What a server sends without end: the beginning, and then this piece again and again. */
interface Flood {
  readonly start: string;
  readonly piece: Buffer;
}

const floods: Record<string, Flood> = {
  "a value of 64 MiB that does not end": { start: "$67108864\r\n", piece: filler },
  "a value with a longer length": { start: "$536870912\r\n", piece: filler },
  "values without end": { start: "", piece: Buffer.concat([Buffer.from("$1048576\r\n"), filler, Buffer.from("\r\n")]) },
  "an array of values": {
    start: "*1048576\r\n",
    piece: Buffer.concat([Buffer.from("$1048576\r\n"), filler, Buffer.from("\r\n")]),
  },
  "nested arrays of numbers": {
    start: "*1048576\r\n*1048576\r\n*1048576\r\n",
    piece: Buffer.from(":1\r\n".repeat(65_536)),
  },
  "arrays in arrays": { start: "", piece: Buffer.from("*1\r\n".repeat(65_536)) },
  "a line without end": { start: "+", piece: filler },
  "an error without end": { start: "-ERR ", piece: filler },
  "an array of empty strings": { start: "*1048576\r\n", piece: Buffer.from("$0\r\n\r\n".repeat(65_536)) },
  "SCAN pages without end": {
    start: "*2\r\n$1\r\n7\r\n*1048576\r\n",
    piece: Buffer.from("$4\r\n{}b:\r\n".repeat(65_536)),
  },
};

type Occasion = "GET" | "MGET" | "EXISTS" | "SET" | "MSET" | "SCAN" | "CLIENT" | "CLUSTER" | "nothing";

/** A server that answers like Redis until a command occurs. Then it sends a flood. Counts its connections. */
async function startServer(occasion: Occasion, { start, piece }: Flood) {
  const server = createServer((socket) => {
    counts.connections++;
    socket.on("error", () => {});
    if (occasion === "nothing") return pour(socket);
    socket.on("data", (chunk: Buffer) => {
      for (const command of chunk.toString("latin1").split(/(?=\*\d+\r\n\$\d+\r\n[A-Z]+\r\n)/)) {
        const [, , name = ""] = command.split("\r\n");
        if (name === occasion) return pour(socket);
        socket.write(answers[name] ?? "+OK\r\n");
      }
    });
  });
  const counts = { connections: 0 };
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { server, counts, port: (server.address() as AddressInfo).port };

  function pour(socket: Socket): void {
    socket.removeAllListeners("data");
    socket.resume();
    socket.write(start);
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
      if (!socket.destroyed) socket.once("drain", () => setImmediate(more));
    };
    more();
  }
}

const answers: Record<string, string> = {
  CLIENT: ":5\r\n",
  INFO: "$16\r\nredis_mode:other\r\n",
  ROLE: "*1\r\n$6\r\nmaster\r\n",
  PING: "+PONG\r\n",
};

/** Runs one call in a separate process. Returns its result and the most memory that the process used. */
async function call(url: string, name: string, timeout: number): Promise<{ result: string; memory: number }> {
  const file = new URL("../dist/index.js", import.meta.url).href;
  const program = fileURLToPath(new URL("./support/one-call.mjs", import.meta.url));
  const child = spawn(process.execPath, [program, file, url, name, `${timeout}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let result = "";
  let memory = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    result += chunk;
  });
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
    memory = Math.max(memory, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1_024);
  }, 20);
  const [code] = await once(child, "close");
  clearInterval(timer);
  expect(code).toBe(0);
  return { result: result.trim(), memory };
}

const occasions: readonly (readonly [scheme: string, occasion: Occasion, method: string])[] = [
  ["redis", "GET", "get"],
  ["redis", "GET", "getMany of one key"],
  ["redis", "EXISTS", "exists"],
  ["redis", "SET", "set"],
  ["redis", "SCAN", "list"],
  ["redis", "CLIENT", "get"],
  ["redis", "nothing", "get"],
  ["redis+cluster", "CLUSTER", "get"],
];

for (const [scheme, occasion, method] of occasions)
  test(`${method} on ${scheme} survives a server that answers ${occasion} without end`, async () => {
    for (const [name, flood] of Object.entries(floods)) {
      const { server, counts, port } = await startServer(occasion, flood);
      // A value that is too large stays too large, so it is requested only once.
      const once = occasion === "GET" && name.startsWith("a value");
      const { result, memory } = await call(`${scheme}://127.0.0.1:${port}`, method, once ? 30_000 : 1_500);
      server.close();
      // Some floods contain what the client asks for.
      expect(result, name).toMatch(/^(internal|connection-lost|unavailable|timeout|resolved)/);
      expect(memory, name).toBeLessThan(mostMemory);
      if (once) expect(counts.connections, name).toBe(1);
    }
  });
