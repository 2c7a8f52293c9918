import { checkHistory, History, identify, RecordedClient } from "@manykv/conformance";
import { inLanes } from "../in-lanes.js";
import type { LinkFault } from "../network/link-fault.js";
import { Random } from "../random.js";
import { describeViolations } from "../report/describe-violations.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { backendNames } from "../testbeds/testbed.js";
import { backendOf, type Campaign, type CampaignContext, type CampaignResult } from "./campaign.js";
import { type NetworkLane, openLane } from "./network-run.js";

const laneCount = 6;

/**
 * A write is held on its way, another client's newer write is acknowledged, then the first is let go.
 *
 * Odd runs hold one connection: the client can still reach the server, so it can settle what it lost. Even runs hold all
 * of them until the call is over: nobody can settle anything, so the call must say that it does not know.
 */
export const zombieWrites: Campaign = {
  name: "zombie",
  what: "zombie write (hold, acknowledge a newer one, release)",
  mustBe: "Postgres and Redis: 0 stale overwrites; DynamoDB: always reported unknown",
  backends: backendNames,
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
  const lanes = await Promise.all(Array.from({ length: laneCount }, () => openLane(testbed)));
  const tally: Tally = {
    oneHeld: 0,
    oneHeldOverwritten: 0,
    allHeld: 0,
    allHeldOverwritten: 0,
    landedUnknown: 0,
    landedOtherwise: 0,
    failures: [],
  };
  await inLanes(lanes, context.runs, (lane, run) => runZombie(lane, context.seed + run, `run-${run}`, tally));
  await Promise.all(lanes.map((lane) => lane[Symbol.asyncDispose]()));
  const { failures, ...figures } = tally;
  const one = `one connection held: ${tally.oneHeldOverwritten} of ${tally.oneHeld} overwritten`;
  const all = `all held: ${tally.allHeldOverwritten} of ${tally.allHeld} landed late`;
  const reported = `${tally.landedUnknown} of their keys reported unknown, ${tally.landedOtherwise} not`;
  // Where nothing can be fenced, a repetition that was acknowledged does not stop the request that was held.
  const limited = !testbed.fenced && tally.oneHeldOverwritten > 0;
  return { measured: `${one}; ${all}, ${reported}`, figures, failures, limited };
}

async function runZombie(lane: NetworkLane, seed: number, bucket: string, tally: Tally): Promise<void> {
  const random = new Random(seed);
  const scope: LinkFault["scope"] = seed % 2 === 1 ? "connection" : "link";
  const settles = scope === "connection" && lane.testbed.fenced;
  const history = new History();
  const held = new RecordedClient(history, "held", await lane.linked.bucket(bucket), { fenced: settles });
  const newer = new RecordedClient(history, "newer", await lane.other.open(bucket));
  const keys = Array.from({ length: random.pick([1, 3, 20]) }, (_, index) => `key ${index}`);
  await newer.setMany(keys);
  await held.getMany(keys);
  const before = lane.linked.triggered;
  const fault = {
    kind: "hold",
    direction: "request",
    after: 0,
    milliseconds: Number.POSITIVE_INFINITY,
  } as const;
  lane.linked.arm({ ...fault, scope });
  const timeout = scope === "connection" ? 5_000 : random.integer(150, 400);
  if (random.chance(0.7)) await held.setMany(keys, { timeout });
  else await held.deleteMany(keys, { timeout });
  const struck = lane.linked.triggered > before;
  await newer.setMany(keys);
  lane.linked.heal();
  await new Promise((resolve) => setTimeout(resolve, 40));
  const overwritten = await findOverwritten(lane, bucket, keys, history);
  if (!struck) return;
  const { violations } = checkHistory(history);
  for (const text of describeViolations(violations)) tally.failures.push(`seed ${seed}: ${text}`);
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
  tally.failures.push(`seed ${seed}: a write that landed late was not reported as unknown`);
}

/** The keys that hold something else than the newest acknowledged value; all of it is entered into the history. */
async function findOverwritten(
  lane: NetworkLane,
  bucket: string,
  keys: readonly string[],
  history: History,
): Promise<string[]> {
  const observed = await lane.observer.open(bucket);
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
