import { type Anomaly, checkHistory, History, RecordedClient } from "@manykv/conformance/checker";
import type { ConnectionFault, Random } from "@manykv/conformance/faults";
import { createStore, type Store } from "@manykv/core";
import { ProxiedClient } from "../network/proxied-client.js";
import type { StallMeter } from "../stall-meter.js";
import { type BackendName, direct, type Testbed } from "../testbeds/testbed.js";

/** The clients of one worker. `proxied` connects through proxies. `other` and `observer` connect directly. */
export interface NetworkClients extends AsyncDisposable {
  readonly testbed: Testbed;
  readonly proxied: ProxiedClient;
  readonly other: Store;
  readonly observer: Store;
  runs: number;
}

export interface NetworkRunResult {
  readonly anomalies: readonly Anomaly[];
  /** Number of keys that the checker could not judge. */
  readonly undecided: number;
  /** Number of faults that began. */
  readonly faults: number;
  /** Number of `unknown` outcomes that the client `faulty` received. Each write of a key counts separately. */
  readonly unknown: number;
  /** The part of `unknown` that manykv could have repeated: sets and deletes without a condition. */
  readonly unknownRepeatable: number;
  /** The errors of the client `faulty`, as strings: one for each call that rejected while the fault was armed. */
  readonly rejected: readonly string[];
  readonly calls: number;
  /** Longest time by which a call of `faulty` exceeded its deadline, in milliseconds. Negative if no call was late. */
  readonly worstOverrun: number;
}

/** The key that the clients increment. */
const counter = "counter";
/** Times to live of keys, in milliseconds. */
const ttls = [undefined, undefined, undefined, 60, 1_000, 60_000];

/** Number of runs after which the proxied client is renewed, so that faults affect both new and used connections. */
export const runsOfClient = 20;

/** Number of workers on each backend. Default: 8. */
const workers: Partial<Readonly<Record<BackendName, number>>> = { redis: 12, "redis-cluster": 6 };

/** Opens the clients of all workers of a campaign. There are no more workers than runs. */
export function openWorkers(testbed: Testbed, runs: number): Promise<NetworkClients[]> {
  const count = Math.min(workers[testbed.name] ?? 8, runs);
  return Promise.all(Array.from({ length: count }, () => openClients(testbed)));
}

export async function openClients(testbed: Testbed): Promise<NetworkClients> {
  const proxied = await ProxiedClient.of(testbed);
  const other = createStore(testbed.driver(direct));
  const observer = createStore(testbed.driver(direct));
  return {
    testbed,
    proxied,
    other,
    observer,
    runs: 0,
    [Symbol.asyncDispose]: async () => {
      await proxied[Symbol.asyncDispose]();
      await other.close();
      await observer.close();
    },
  };
}

/** Runs calls of two clients on the same keys, with a fault for the client `faulty`. Then reads and checks all keys. */
export async function runNetworkFault(
  clients: NetworkClients,
  random: Random,
  bucket: string,
  fault: ConnectionFault,
  timeout: number,
  stalls: StallMeter,
): Promise<NetworkRunResult> {
  if (++clients.runs % runsOfClient === 0) await clients.proxied.renew();
  const history = new History();
  const sizes = random.pick([40, 40, 900, 20_000]);
  const fenced = clients.testbed.fenced && fault.scope !== "all";
  const options = {
    fenced,
    stalled: () => stalls.total,
    valueBytes: () => random.integer(12, sizes),
    entryTtl: () => random.pick(ttls),
  };
  const faulty = new RecordedClient(history, "faulty", await clients.proxied.bucket(bucket), options);
  const other = new RecordedClient(history, "other", await clients.other.open(bucket), {
    ...options,
    fenced: clients.testbed.fenced,
  });
  const keys = Array.from({ length: random.pick([1, 5, 30]) }, (_, index) => `key ${index}`);
  const some = (): string[] => keys.filter(() => random.chance(0.7));
  await other.setMany(some());
  if (random.chance(0.7)) await faulty.getMany(some());
  const before = clients.proxied.faults;
  clients.proxied.arm(fault);
  const calls = random.integer(1, 3);
  const rejected: string[] = [];
  const faultyCalls = async (): Promise<void> => {
    for (let call = 0; call < calls; call++) {
      const { error } = await drawCall(random, faulty, some(), timeout);
      if (error !== undefined) rejected.push(String(error));
    }
  };
  const otherCalls = random.chance(0.5) ? drawCall(random, other, some(), 20_000) : undefined;
  await Promise.all([faultyCalls(), otherCalls]);
  const faults = clients.proxied.faults - before;
  // This write is newer than every lost write.
  if (random.chance(0.5)) await other.setMany(some());
  clients.proxied.heal();
  await observe(clients, history, bucket, [...keys, counter]);
  const { anomalies, undecided } = checkHistory(history);
  const unknown = history.writes.filter((write) => write.client === "faulty" && write.outcome === "unknown");
  const repeatable = unknown.filter(({ kind, expected }) => kind !== "increment" && expected === undefined);
  const counts = { unknown: unknown.length, unknownRepeatable: repeatable.length };
  return {
    anomalies,
    undecided: undecided.length,
    faults,
    ...counts,
    rejected,
    calls,
    worstOverrun: faulty.worstOverrun,
  };
}

function drawCall(random: Random, client: RecordedClient, keys: readonly string[], timeout: number) {
  const options = { timeout };
  switch (
    random.weighted({
      setMany: 4,
      setIfAbsent: 2,
      deleteMany: 3,
      increment: 2,
      swap: 2,
      getMany: 2,
      ttlMany: 1,
      exists: 1,
    })
  ) {
    case "setMany":
      return client.setMany(keys, options);
    case "setIfAbsent":
      return client.setMany(keys, { ...options, ifAbsent: true });
    case "increment":
      return client.increment(counter, BigInt(random.integer(1, 5)), { ...options, ttl: random.pick(ttls) });
    case "swap":
      return client.compareAndSwap("key 0", random.pick(["set", "delete"]), options);
    case "deleteMany":
      return client.deleteMany(keys, options);
    case "getMany":
      return client.getMany(keys, options);
    case "ttlMany":
      return client.ttlMany(keys, options);
    case "exists":
      return client.exists("key 0", options);
  }
}

/** Reads all keys, and again 15 ms later, so that the bytes that a proxy held can arrive. Then deletes the keys. */
async function observe(
  clients: NetworkClients,
  history: History,
  bucket: string,
  keys: readonly string[],
): Promise<void> {
  const bucketOfObserver = await clients.observer.open(bucket);
  const observer = new RecordedClient(history, "observer", bucketOfObserver);
  await observer.getMany(keys);
  await new Promise((resolve) => setTimeout(resolve, 15));
  const { error } = await observer.getMany(keys);
  if (error !== undefined) history.addAnomaly("unsettled", "the observer must read all keys, but its read rejected");
  // Without this deletion, the data of all runs would fill the server's memory.
  await bucketOfObserver.deleteMany(keys);
}
