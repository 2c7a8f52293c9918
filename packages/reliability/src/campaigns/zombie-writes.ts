import { checkHistory, History, identify, RecordedClient } from "@manykv/conformance/checker";
import { type ConnectionFault, Random } from "@manykv/conformance/faults";
import { describeAnomalies } from "../report/describe-anomalies.js";
import { runConcurrently } from "../run-concurrently.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { serverNames } from "../testbeds/testbed.js";
import { backendOf, type Campaign, type CampaignContext, type CampaignResult } from "./campaign.js";
import { type NetworkClients, openClients } from "./network-run.js";

const workers = 6;

/**
 * A proxy holds a write, the server acknowledges another client's newer write, and then the proxy sends the held write.
 *
 * With an odd seed, the proxy holds one connection: the client can still reach the server, repeat the write and, on
 * backends with a fence, stop the held request. With an even seed, the proxy holds all connections until the server has
 * acknowledged the newer write: the client cannot learn whether its write takes effect, so it must report `unknown`.
 */
export const zombieWrites: Campaign = {
  name: "zombie",
  what: "zombie write (hold, acknowledge a newer one, release)",
  mustBe: "Postgres and Redis: 0 stale overwrites; DynamoDB: always reported unknown",
  backends: serverNames,
  runs: { ci: 50, long: 500 },
  run: runZombies,
};

interface Tally {
  oneHeld: number;
  oneHeldOverwritten: number;
  allHeld: number;
  allHeldOverwritten: number;
  landedUnknown: number;
  landedOtherwise: number;
  readonly failures: string[];
}

async function runZombies(context: CampaignContext): Promise<CampaignResult> {
  await using testbed = await openTestbed(backendOf(context));
  const clients = await Promise.all(Array.from({ length: workers }, () => openClients(testbed)));
  const tally: Tally = {
    oneHeld: 0,
    oneHeldOverwritten: 0,
    allHeld: 0,
    allHeldOverwritten: 0,
    landedUnknown: 0,
    landedOtherwise: 0,
    failures: [],
  };
  await runConcurrently(clients, context.runs, (each, run) => runZombie(each, context.seed + run, `run-${run}`, tally));
  await Promise.all(clients.map((each) => each[Symbol.asyncDispose]()));
  const { failures, ...figures } = tally;
  const one = `one connection held: ${tally.oneHeldOverwritten} of ${tally.oneHeld} overwritten`;
  const all = `all held: ${tally.allHeldOverwritten} of ${tally.allHeld} landed late`;
  const reported = `${tally.landedUnknown} of their keys reported unknown, ${tally.landedOtherwise} not`;
  // Without a fence, the held request can take effect after its repetition was acknowledged.
  const limited = !testbed.fenced && tally.oneHeldOverwritten > 0;
  return { measured: `${one}; ${all}, ${reported}`, figures, failures, limited };
}

async function runZombie(clients: NetworkClients, seed: number, bucket: string, tally: Tally): Promise<void> {
  const random = new Random(seed);
  const scope = seed % 2 === 1 ? "connection" : "all";
  const settles = scope === "connection" && clients.testbed.fenced;
  const history = new History();
  const held = new RecordedClient(history, "held", await clients.proxied.bucket(bucket), { fenced: settles });
  const newer = new RecordedClient(history, "newer", await clients.other.open(bucket));
  const keys = Array.from({ length: random.pick([1, 3, 20]) }, (_, index) => `key ${index}`);
  await newer.setMany(keys);
  await held.getMany(keys);
  const before = clients.proxied.faults;
  const fault: ConnectionFault = { kind: "hold", direction: "request", scope };
  clients.proxied.arm(fault);
  const timeout = scope === "connection" ? 5_000 : random.integer(150, 400);
  if (random.chance(0.7)) await held.setMany(keys, { timeout });
  else await held.deleteMany(keys, { timeout });
  const struck = clients.proxied.faults > before;
  await newer.setMany(keys);
  clients.proxied.heal();
  await new Promise((resolve) => setTimeout(resolve, 40));
  const overwritten = await findOverwritten(clients, bucket, keys, history);
  if (!struck) return;
  const { anomalies } = checkHistory(history);
  for (const text of describeAnomalies(anomalies)) tally.failures.push(`seed ${seed}: ${text}`);
  if (scope === "connection") {
    tally.oneHeld++;
    if (overwritten.length > 0) tally.oneHeldOverwritten++;
    return;
  }
  tally.allHeld++;
  if (overwritten.length === 0) return;
  tally.allHeldOverwritten++;
  const unknown = overwritten.filter((key) =>
    history.writes.some(
      (write) => write.client === "held" && write.key === `${bucket}/${key}` && write.outcome === "unknown",
    ),
  );
  tally.landedUnknown += unknown.length;
  if (unknown.length === overwritten.length) return;
  tally.landedOtherwise += overwritten.length - unknown.length;
  tally.failures.push(`seed ${seed}: a write that takes effect late must be reported as unknown`);
}

/** Returns the keys whose value is not the newest acknowledged value. Records the values and deletes the keys. */
async function findOverwritten(
  clients: NetworkClients,
  bucket: string,
  keys: readonly string[],
  history: History,
): Promise<string[]> {
  const observed = await clients.observer.open(bucket);
  await new RecordedClient(history, "observer", observed).getMany(keys);
  const newest = new Set(
    history.writes
      .filter(({ client }) => client === "newer")
      .slice(-keys.length)
      .map(({ write }) => write),
  );
  const pairs = await observed.getMany(keys);
  await observed.deleteMany(keys);
  return keys.filter((_, place) => {
    const pair = pairs[place];
    const write = pair === undefined ? "torn" : identify(pair[1]);
    return write === "torn" || !newest.has(write);
  });
}
