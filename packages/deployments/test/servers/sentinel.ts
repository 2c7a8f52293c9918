import { setTimeout as sleep } from "node:timers/promises";
import { type DedicatedRedis, startDedicatedRedis } from "@manykv/test-services";
import { Redis } from "ioredis";
import { type Program, startProgram } from "../support/start-program.js";

/** The name under which the sentinels know the master. */
export const serviceName = "manykv";

/** Three Redis servers, of which one is the master, and three sentinels. */
export interface SentinelGroup extends AsyncDisposable {
  readonly servers: readonly DedicatedRedis[];
  readonly sentinels: readonly Program[];
  /** `redis+sentinel://HOST:PORT,HOST:PORT,HOST:PORT/manykv` */
  readonly url: string;
  /** Returns the server that the sentinels report as the master. */
  master(): Promise<DedicatedRedis>;
  /**
   * Makes the master refuse writes, waits until the replicas have all writes, asks the sentinels for a failover, and
   * waits until another server is the master with two replicas. No acknowledged write is lost.
   */
  failOver(): Promise<void>;
  /** Kills the master, waits until another server is the master, and starts the killed server again as a replica. */
  killMaster(): Promise<void>;
  /** Waits until the master has two replicas in step. */
  settled(): Promise<void>;
}

/**
 * Longest time for a failover, in milliseconds. On a busy machine, sentinels do nothing for 30 seconds at a time (TILT
 * mode).
 */
const patience = 120_000;

/**
 * Starts a group.
 *
 * With `reaction: "fast"`, sentinels replace a master that is silent for a second, and a master accepts writes only
 * while at least one replica has responded in the last 2 seconds, so that an isolated master soon refuses writes:
 * https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
 *
 * With `reaction: "never"`, a busy machine or values of 64 MiB cause no failover and no refused write.
 */
export async function startSentinelGroup({ reaction }: { reaction: "fast" | "never" }): Promise<SentinelGroup> {
  const silent = { print: () => {}, source: "process" } as const;
  const replicasToWrite = reaction === "fast" ? "1" : "0";
  const shared = [
    ...["--min-replicas-to-write", replicasToWrite, "--min-replicas-max-lag", "2"],
    ...["--repl-diskless-sync-delay", "0"],
  ];
  const first = await startDedicatedRedis({ ...silent, args: [...shared, "--repl-ping-replica-period", "1"] });
  const args = [...shared, "--replicaof", `${first.host} ${first.port}`];
  const replicas = await Promise.all([0, 1].map(() => startDedicatedRedis({ ...silent, args })));
  const servers = [first, ...replicas];
  const sentinels = await Promise.all(
    [0, 1, 2].map(() => startSentinel(first, reaction === "fast" ? 1_000 : 3_600_000)),
  );
  const group = new Group(servers, sentinels);
  await group.settled();
  return group;
}

/** Starts a sentinel that calls a server down after it was silent for `downAfter` milliseconds. */
function startSentinel({ host, port: master }: DedicatedRedis, downAfter: number): Promise<Program> {
  return startProgram({
    command: "redis-sentinel",
    args: (file) => [file],
    configuration: (port, folder) =>
      [
        `port ${port}`,
        "bind 127.0.0.1",
        `dir ${folder}`,
        `sentinel monitor ${serviceName} ${host} ${master} 2`,
        `sentinel down-after-milliseconds ${serviceName} ${downAfter}`,
        `sentinel failover-timeout ${serviceName} 5000`,
        `sentinel parallel-syncs ${serviceName} 2`,
        "",
      ].join("\n"),
  });
}

class Group implements SentinelGroup {
  readonly servers: readonly DedicatedRedis[];
  readonly sentinels: readonly Program[];

  constructor(servers: readonly DedicatedRedis[], sentinels: readonly Program[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ host, port }) => `${host}:${port}`).join(",")}/${serviceName}`;
  }

  async master(): Promise<DedicatedRedis> {
    const address = await ask(this.sentinels[0] as Program, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", serviceName);
    const port = Number((address as string[])[1]);
    return this.servers.find((each) => each.port === port) as DedicatedRedis;
  }

  async failOver(): Promise<void> {
    const before = await this.master();
    // `CLIENT PAUSE` would also hold the messages with which sentinels demote the master.
    await ask(before, "CONFIG", "SET", "min-replicas-to-write", "3");
    const offset = await offsetOf(before);
    const replicas = this.servers.filter((each) => each !== before);
    await this.#until(async () => (await Promise.all(replicas.map(offsetOf))).every((each) => each >= offset));
    await this.#until(async () => {
      // The sentinel refuses while it does not know a suitable replica or while another failover runs.
      await ask(this.sentinels[0] as Program, "SENTINEL", "FAILOVER", serviceName).catch(() => {});
      await sleep(500);
      return (await this.master()).port !== before.port;
    });
    await this.settled();
    await ask(before, "CONFIG", "SET", "min-replicas-to-write", "1");
  }

  async killMaster(): Promise<void> {
    const before = await this.master();
    await before.kill();
    await this.#until(async () => (await this.master()).port !== before.port);
    await before.restart();
    await this.settled();
  }

  async settled(): Promise<void> {
    await this.#until(async () => {
      const master = await this.master();
      const views = await Promise.all(
        this.sentinels.map((each) => ask(each, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", serviceName)),
      );
      const agree = views.every((view) => Number((view as string[])[1]) === master.port);
      const known = await Promise.all(
        this.sentinels.map(async (each) => fieldsOf(await ask(each, "SENTINEL", "MASTER", serviceName))),
      );
      const met = known.every((fields) => fields["num-slaves"] === "2" && fields["num-other-sentinels"] === "2");
      const info = String(await ask(master, "INFO", "replication"));
      return agree && met && info.includes("role:master") && info.match(/state=online/g)?.length === 2;
    });
  }

  async #until(test: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + patience;
    while (!(await test().catch(() => false))) {
      if (Date.now() > end) throw new Error("the sentinels did not agree on a master with two replicas in time");
      await sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.sentinels.map((each) => each[Symbol.asyncDispose]()));
    await Promise.all(this.servers.map((each) => each.stop()));
  }
}

/** Returns how much of the replication stream a server has. */
async function offsetOf(server: DedicatedRedis): Promise<number> {
  const info = String(await ask(server, "INFO", "replication"));
  return Number(/^(?:slave_repl_offset|master_repl_offset):(\d+)/m.exec(info)?.[1]);
}

/** Sends one command to a server or sentinel over a new connection. */
async function ask(server: { readonly host: string; readonly port: number }, ...words: string[]): Promise<unknown> {
  const client = new Redis({
    ...{ host: server.host, port: server.port },
    ...{ lazyConnect: true, enableReadyCheck: false, retryStrategy: () => null, maxRetriesPerRequest: 0 },
    ...{ connectTimeout: 2_000, commandTimeout: 5_000 },
  });
  client.on("error", () => {});
  try {
    await client.connect();
    const [command, ...rest] = words as [string, ...string[]];
    return await client.call(command, ...rest);
  } finally {
    client.disconnect();
  }
}

/** Returns the fields of a reply that lists names and values in turn. */
function fieldsOf(reply: unknown): Readonly<Record<string, string>> {
  const items = Array.isArray(reply) ? reply : Object.entries(reply as object).flat();
  const fields: Record<string, string> = {};
  for (let index = 0; index + 1 < items.length; index += 2) fields[String(items[index])] = String(items[index + 1]);
  return fields;
}
