import { checkHistory, History, RecordedClient, type Violation } from "@manykv/conformance";
import { createStore, type Store } from "@manykv/core";
import type { LinkFault } from "../network/link-fault.js";
import { LinkedClient } from "../network/linked-client.js";
import type { Random } from "../random.js";
import type { StallMeter } from "../stall-meter.js";
import { direct, type Testbed } from "../testbeds/testbed.js";

/** Clients that break in one lane: one through links, one beside it, and one that looks at what is really there. */
export interface NetworkLane extends AsyncDisposable {
  readonly testbed: Testbed;
  readonly linked: LinkedClient;
  readonly other: Store;
  readonly observer: Store;
  runs: number;
}

export interface NetworkRunResult {
  readonly violations: readonly Violation[];
  readonly struck: number;
  readonly unknown: number;
  /** Messages of the calls that rejected. */
  readonly rejected: readonly string[];
  readonly calls: number;
  readonly worstOverrun: number;
}

/** A client is replaced after this many runs, so that both fresh and used ones break. */
const runsOfClient = 20;

export async function openLane(testbed: Testbed): Promise<NetworkLane> {
  const linked = await LinkedClient.of(testbed);
  const other = createStore(testbed.driver(direct));
  const observer = createStore(testbed.driver(direct));
  return {
    testbed,
    linked,
    other,
    observer,
    runs: 0,
    [Symbol.asyncDispose]: async () => {
      await linked[Symbol.asyncDispose]();
      await other.close();
      await observer.close();
    },
  };
}

/** Some calls of two clients on the same keys, the links of one of them with a fault; then everything is read. */
export async function runNetworkFault(
  lane: NetworkLane,
  random: Random,
  bucket: string,
  fault: LinkFault,
  timeout: number,
  stalls: StallMeter,
): Promise<NetworkRunResult> {
  if (++lane.runs % runsOfClient === 0) await lane.linked.renew();
  const history = new History();
  const sizes = random.pick([40, 40, 900, 20_000]);
  const fenced = lane.testbed.fenced && fault.scope === "connection";
  const options = { fenced, stalled: () => stalls.total, valueBytes: () => random.integer(12, sizes) };
  const faulty = new RecordedClient(history, "faulty", await lane.linked.bucket(bucket), options);
  const other = new RecordedClient(history, "other", await lane.other.open(bucket), {
    ...options,
    fenced: lane.testbed.fenced,
  });
  const keys = Array.from({ length: random.pick([1, 5, 30]) }, (_, index) => `key ${index}`);
  const some = (): string[] => keys.filter(() => random.chance(0.7));
  await other.setMany(some());
  if (random.chance(0.7)) await faulty.getMany(some());
  const before = lane.linked.triggered;
  lane.linked.arm(fault);
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
  const struck = lane.linked.triggered - before;
  // A write of the other client now is newer than everything that is lost.
  if (random.chance(0.5)) await other.setMany(some());
  lane.linked.heal();
  await observe(lane, history, bucket, keys);
  const { violations } = checkHistory(history);
  const unknown = history.writes.filter(
    (write) => write.client === "faulty" && write.outcome === "unknown",
  ).length;
  return { violations, struck, unknown, rejected, calls, worstOverrun: faulty.worstOverrun };
}

function drawCall(random: Random, client: RecordedClient, keys: readonly string[], timeout: number) {
  const options = { timeout };
  switch (random.weighted({ setMany: 5, deleteMany: 3, getMany: 2, exists: 1 })) {
    case "setMany":
      return client.setMany(keys, options);
    case "deleteMany":
      return client.deleteMany(keys, options);
    case "getMany":
      return client.getMany(keys, options);
    case "exists":
      return client.exists("key 0", options);
  }
}

/** Reads everything through a client of its own, at once and again after what was held has come through. */
async function observe(
  lane: NetworkLane,
  history: History,
  bucket: string,
  keys: readonly string[],
): Promise<void> {
  const bucketOfObserver = await lane.observer.open(bucket);
  const observer = new RecordedClient(history, "observer", bucketOfObserver);
  await observer.getMany(keys);
  await new Promise((resolve) => setTimeout(resolve, 15));
  const { error } = await observer.getMany(keys);
  if (error !== undefined) history.misbehaved("unsettled", "observer", "the observer itself could not read");
  // So that the server does not fill up.
  await bucketOfObserver.deleteMany(keys);
}
