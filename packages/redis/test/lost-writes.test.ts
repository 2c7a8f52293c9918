import { setTimeout as pause } from "node:timers/promises";
import { type ProxiedConnection, ProxySet, Random } from "@manykv/conformance/faults";
import { BatchError, type Bucket, type Store } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Cluster } from "ioredis";
import { describe, expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";

/** Runs per service. A campaign runs more of them: `LOST_WRITE_RUNS=500 npx vitest run --project redis lost-writes`. */
const runs = Number(process.env["LOST_WRITE_RUNS"] ?? 12);
const firstSeed = Number(process.env["LOST_WRITE_SEED"] ?? 1);

type Service = "redis" | "redis-cluster";

interface Network extends AsyncDisposable {
  readonly proxies: ProxySet;
  /** A store whose connections pass through the proxies. */
  readonly store: Store;
}

async function networkOf(service: Service): Promise<Network> {
  const servers = addressesOf(serviceUrl(service));
  const proxies = await ProxySet.start(servers);
  if (service === "redis") {
    const [proxy] = proxies.all;
    const store = redisStore({ url: `redis://127.0.0.1:${proxy?.port}`, connectTimeout: 500 });
    return { proxies, store, [Symbol.asyncDispose]: () => store.close() };
  }
  const natMap = Object.fromEntries(servers.map((server) => [`${server.host}:${server.port}`, proxies.route(server)]));
  const client = new Cluster(servers.map(proxies.route), { lazyConnect: true, natMap });
  client.on("error", () => {});
  const store = redisStore({ client, connectTimeout: 500 });
  const dispose = async (): Promise<void> => {
    await store.close();
    client.disconnect();
  };
  return { proxies, store, [Symbol.asyncDispose]: dispose };
}

/** Breaks the next `count` connections that clients open, each in a different way. */
function breakNext({ proxies }: Network, count: number, random: Random): void {
  let left = count;
  for (const proxy of proxies.all) {
    const broken = new Map<ProxiedConnection, "at the kill" | "after the kill">();
    proxy.onConnection = (connection) => {
      if (left-- <= 0) return;
      const way = random.pick(["at once", "later", "at the kill", "after the kill"] as const);
      if (way === "at once") connection.reset();
      else if (way === "later")
        connection.arm({
          kind: "reset",
          direction: random.pick(["request", "answer"]),
          after: { messages: random.integer(0, 2) },
        });
      else broken.set(connection, way);
    };
    proxy.intercept = (chunk, direction, connection) => {
      const way = broken.get(connection);
      // The longest id belongs to no connection: the store only asks whether it may kill.
      if (
        way === undefined ||
        direction === "answer" ||
        !/KILL\r\n\$2\r\nID\r\n\$\d\r\n/.test(chunk.toString("latin1"))
      )
        return chunk;
      if (way === "after the kill") connection.send("request", chunk);
      connection.reset();
      return undefined;
    };
  }
}

/**
 * One write that is held up, while the connections that could settle it break. Returns what went wrong, if anything.
 */
async function run(seed: number, direct: Bucket, network: Network): Promise<string | undefined> {
  const random = new Random(seed);
  const bucket = await network.store.open(direct.name);
  const key = `key${seed}`;
  const others = random.chance(0.5) ? [] : ["x", "y", "z"].map((name) => `${key}${name}`);
  const write = (value: string, options: object): Promise<void> =>
    others.length === 0
      ? bucket.set(key, bytes(value), options)
      : bucket.setMany(
          [key, ...others].map((each) => [each, bytes(value)] as const),
          options,
        );
  await write("first", {});

  const victims = network.proxies.all.flatMap((proxy) => [...proxy.connections]);
  for (const victim of victims) victim.hold("request");
  breakNext(network, random.integer(1, 5), random);
  const way = random.pick(["time out", "cancel", "cancel and lose", "lose"] as const);
  const controller = new AbortController();
  const timeout = way === "time out" ? random.integer(60, 900) : 3_000;
  const old = write("old", { timeout, signal: controller.signal }).then(
    () => undefined,
    (error: unknown) => error,
  );
  while (!victims.some((victim) => victim.waiting("request") > 0)) await pause(1);
  if (way === "cancel" || way === "cancel and lose") controller.abort();
  if (way === "lose" || way === "cancel and lose") {
    if (random.chance(0.5)) await pause(random.integer(0, 30));
    for (const victim of victims) victim.client.destroy();
  }
  const error = await old;
  const unsettled = BatchError.is(error) && [...error.failures()].some((failure) => failure.unsettled);

  // The same store always writes after the old write. Another client may rely only on a write that was settled.
  const byOther = !unsettled && random.chance(0.5);
  const newer = byOther
    ? direct.set(key, bytes("newer"))
    : writeUntilAcknowledged(() => write("newer", { timeout: 1_500 }));
  const released = random.chance(0.3) ? pause(random.integer(0, 40)).then(release) : undefined;
  await newer;
  await released;
  release();
  await pause(15);
  for (const proxy of network.proxies.all) {
    proxy.onConnection = () => {};
    proxy.intercept = (chunk) => chunk;
  }
  const found = text(await direct.get(key));
  if (found === "newer") return undefined;
  const outcome = BatchError.is(error) ? `${error.code}, ${unsettled ? "unsettled" : "settled"}` : "applied";
  return `seed ${seed}: ${found} instead of newer; ${way}, ${outcome}, newer by ${byOther ? "another client" : "the store"}`;

  function release(): void {
    for (const victim of victims) victim.release("request");
  }
}

async function writeUntilAcknowledged(write: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (attempt === 20) throw error;
    }
  }
}

describe.each(["redis", "redis-cluster"] as const)("%s", (service) => {
  test(
    "runs no lost write after a later acknowledged one while up to five control connections break",
    async () => {
      await using direct = redisStore({ url: serviceUrl(service) });
      const bucket = await direct.open(randomName());
      const landed: string[] = [];
      for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
        await using network = await networkOf(service);
        await using _ = network.proxies;
        const wrong = await run(seed, bucket, network);
        if (wrong !== undefined) landed.push(wrong);
      }
      expect(landed).toEqual([]);
    },
    60_000 + runs * 5_000,
  );
});
