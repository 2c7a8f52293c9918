import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { GlideClient, GlideClusterClient, GlideString } from "@valkey/valkey-glide";
import type { Cluster, Redis } from "ioredis";
import type { Contender } from "../measure/contender.js";
import { asBuffer, load, uniqueName } from "./common.js";

type Value = Buffer | null;

/** The commands of a Redis client that a contender uses. */
interface Commands {
  set(key: string, value: Buffer): Promise<unknown>;
  get(key: string): Promise<Value>;
  del(key: string): Promise<unknown>;
  /** Prepares the arguments of an `MSET`. Returns a function that sends the command. */
  mset(keys: readonly string[], values: readonly Buffer[]): () => Promise<unknown>;
  mget(keys: string[]): Promise<Value[]>;
  delMany(keys: string[]): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * How a contender sends a batch. `one command`: as one `MSET`, `MGET` or `DEL`. `one per key`: as one command per key,
 * which also works in a cluster if the keys are in different hash slots.
 */
type Batches = "one command" | "one per key";

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export async function ioredis(url: string, batches: Batches = "one command"): Promise<Contender> {
  const { Redis } = await load("ioredis", () => import("ioredis"));
  const name = batches === "one command" ? "ioredis" : "ioredis, key by key";
  return contender(name, ioredisCommands(new Redis(url)), batches);
}

export async function ioredisCluster(nodes: readonly ServerAddress[]): Promise<Contender> {
  const { Cluster } = await load("ioredis", () => import("ioredis"));
  return contender("ioredis", ioredisCommands(new Cluster([...nodes])), "one per key");
}

export async function nodeRedis(url: string): Promise<Contender> {
  const { createClient, RESP_TYPES } = await load("node-redis", () => import("redis"));
  const client = await createClient({ url }).connect();
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return contender("node-redis", {
    set: (key, value) => client.set(key, value),
    get: (key) => bytes.get(key),
    del: (key) => client.del(key),
    mset: (keys, values) => {
      const flat = flatten(keys, values);
      return () => client.mSet(flat);
    },
    mget: (keys) => bytes.mGet(keys),
    delMany: (keys) => client.del(keys),
    close: async () => client.destroy(),
  });
}

export async function nodeRedisCluster(nodes: readonly ServerAddress[]): Promise<Contender> {
  const { createCluster, RESP_TYPES } = await load("node-redis", () => import("redis"));
  const cluster = createCluster({
    rootNodes: nodes.map(({ host, port }) => ({ socket: { host, port } })),
  });
  await cluster.connect();
  const bytes = cluster.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return contender(
    "node-redis",
    {
      set: (key, value) => cluster.set(key, value),
      get: (key) => bytes.get(key),
      del: (key) => cluster.del(key),
      mset: (keys, values) => () => cluster.mSet(flatten(keys, values)),
      mget: (keys) => bytes.mGet(keys),
      delMany: (keys) => cluster.del(keys),
      close: async () => cluster.destroy(),
    },
    "one per key",
  );
}

async function loadGlide() {
  const glide = await load("valkey-glide", () => import("@valkey/valkey-glide"));
  // At the default level, warnings about large batches would appear between the results.
  glide.Logger.setLoggerConfig("error");
  return glide;
}

/** Time limit of a request, in ms. GLIDE's default of 250 ms is too short for the largest batches. */
const glideTimeout = { requestTimeout: 60_000 };

export async function glide(url: string): Promise<Contender> {
  const { Decoder, GlideClient } = await loadGlide();
  const { hostname, port, username, password, pathname, protocol } = new URL(url);
  const client = await GlideClient.createClient({
    addresses: [{ host: hostname, port: Number(port || 6379) }],
    ...glideTimeout,
    useTLS: protocol === "rediss:",
    databaseId: Number(pathname.slice(1)),
    ...(password && {
      credentials: {
        password: decodeURIComponent(password),
        ...(username && { username: decodeURIComponent(username) }),
      },
    }),
  });
  return contender("valkey-glide", glideCommands(client, Decoder.Bytes));
}

/** Returns a contender that uses GLIDE. GLIDE splits a command whose keys are in different hash slots. */
export async function glideCluster(nodes: readonly ServerAddress[]): Promise<Contender> {
  const { Decoder, GlideClusterClient } = await loadGlide();
  const client = await GlideClusterClient.createClient({ ...glideTimeout, addresses: [...nodes] });
  return contender("valkey-glide", glideCommands(client, Decoder.Bytes));
}

function contender(name: string, commands: Commands, batches: Batches = "one command"): Contender {
  const prefix = `${uniqueName()}:`;
  return {
    name,
    kind: "client",
    prepare({ keys, values, readKeys }) {
      const prefixed = keys.map((key) => prefix + key);
      const asked = readKeys.map((key) => prefix + key);
      const buffers = values.map(asBuffer);
      if (keys.length === 1) {
        const [key, readKey, value] = [prefixed[0] as string, asked[0] as string, buffers[0] as Buffer];
        return {
          set: () => commands.set(key, value),
          get: async () => {
            const found = await commands.get(readKey);
            return () => [found ?? undefined];
          },
          delete: () => commands.del(key),
        };
      }
      const found = (result: Value[]) => () => result.map((value) => value ?? undefined);
      if (batches === "one command") {
        return {
          set: commands.mset(prefixed, buffers),
          get: async () => found(await commands.mget(asked)),
          delete: () => commands.delMany(prefixed),
        };
      }
      return {
        set: () => Promise.all(prefixed.map((key, index) => commands.set(key, buffers[index] as Buffer))),
        get: async () => found(await Promise.all(asked.map((key) => commands.get(key)))),
        delete: () => Promise.all(prefixed.map((key) => commands.del(key))),
      };
    },
    close: () => commands.close(),
  };
}

function ioredisCommands(client: Redis | Cluster): Commands {
  return {
    set: (key, value) => client.set(key, value),
    get: (key) => client.getBuffer(key),
    del: (key) => client.del(key),
    mset: (keys, values) => {
      const flat = flatten(keys, values);
      return () => client.mset(flat);
    },
    mget: (keys) => client.mgetBuffer(keys),
    delMany: (keys) => client.del(keys),
    close: async () => client.disconnect(),
  };
}

function glideCommands(
  client: GlideClient | GlideClusterClient,
  decoder: NonNullable<Parameters<GlideClient["get"]>[1]>["decoder"] & {},
): Commands {
  const options = { decoder };
  return {
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key, options) as Promise<Value>,
    del: (key) => client.del([key]),
    mset: (keys, values) => {
      const record = keys.map((key, index): { key: GlideString; value: GlideString } => ({
        key,
        value: values[index] as Buffer,
      }));
      return () => client.mset(record);
    },
    mget: (keys) => client.mget(keys, options) as Promise<Value[]>,
    delMany: (keys) => client.del(keys),
    close: async () => client.close(),
  };
}

function flatten(keys: readonly string[], values: readonly Buffer[]): (string | Buffer)[] {
  return keys.flatMap((key, index) => [key, values[index] as Buffer]);
}

/**
 * Returns the floor for Redis: a contender that sends commands that were encoded in advance, and only counts the bytes
 * of each reply. No client can be faster over the same socket.
 */
export async function rawSocket({ host, port }: ServerAddress): Promise<Contender> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, "connect");
  const prefix = `${uniqueName()}:`;
  return {
    name: "raw socket",
    kind: "floor",
    prepare({ keys, values, readKeys, expected }) {
      const prefixed = keys.map((key) => prefix + key);
      const set = command(["MSET", ...prefixed.flatMap((key, index) => [key, values[index] as Uint8Array])]);
      const get = command(["MGET", ...readKeys.map((key) => prefix + key)]);
      const remove = command(["DEL", ...prefixed]);
      const hitBytes = valuesReply(expected).length;
      const missBytes = valuesReply(expected.map(() => undefined)).length;
      let stored = false;
      return {
        set: async () => {
          await exchange(socket, set, "+OK\r\n".length);
          stored = true;
        },
        get: async () => {
          const reply = await exchange(socket, get, stored ? hitBytes : missBytes);
          return () => parseValues(Buffer.concat(reply));
        },
        delete: async () => {
          await exchange(socket, remove, `:${stored ? keys.length : 0}\r\n`.length);
          stored = false;
        },
      };
    },
    close: async () => {
      socket.destroy();
    },
  };
}

/** Sends one command. Returns the chunks of its reply, which has `replyBytes` bytes. */
function exchange(socket: Socket, request: Buffer, replyBytes: number): Promise<Buffer[]> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let missing = replyBytes;
    const read = (chunk: Buffer): void => {
      chunks.push(chunk);
      missing -= chunk.length;
      if (missing > 0) return;
      socket.off("data", read);
      resolve(chunks);
    };
    socket.on("data", read);
    socket.write(request);
  });
}

const lineEnd = Buffer.from("\r\n");

/** Encodes a command in the Redis protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
function command(parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.flatMap(bulkString)]);
}

function valuesReply(values: readonly (Uint8Array | undefined)[]): Buffer {
  return Buffer.concat([
    Buffer.from(`*${values.length}\r\n`),
    ...values.flatMap((value) => (value === undefined ? [Buffer.from("$-1\r\n")] : bulkString(value))),
  ]);
}

function bulkString(part: string | Uint8Array): Uint8Array[] {
  const bytes = typeof part === "string" ? Buffer.from(part) : part;
  return [Buffer.from(`$${bytes.length}\r\n`), bytes, lineEnd];
}

function parseValues(reply: Buffer): (Uint8Array | undefined)[] {
  const values: (Uint8Array | undefined)[] = [];
  let position = reply.indexOf(lineEnd) + 2;
  while (position < reply.length) {
    const end = reply.indexOf(lineEnd, position);
    const length = Number(reply.toString("latin1", position + 1, end));
    position = end + 2;
    if (length < 0) values.push(undefined);
    else {
      values.push(reply.subarray(position, position + length));
      position += length + 2;
    }
  }
  return values;
}
