import { inLanes } from "../in-lanes.js";
import { drawFault, type LinkFault } from "../network/link-fault.js";
import { Random } from "../random.js";
import { StallMeter } from "../stall-meter.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { type BackendName, backendNames } from "../testbeds/testbed.js";
import { backendOf, type Campaign, type CampaignContext, type CampaignResult } from "./campaign.js";
import { type NetworkLane, openLane, runNetworkFault } from "./network-run.js";
import { NetworkTally } from "./network-tally.js";

const lanes: Readonly<Record<BackendName, number>> = {
  redis: 12,
  "redis-cluster": 6,
  postgres: 8,
  dynamodb: 8,
};

/** Deadlines from hopeless to comfortable, in milliseconds. */
const timeouts = [150, 400, 1_000];

export const networkFaults: Campaign = {
  name: "network",
  what: "network faults on real servers",
  mustBe: "0 false outcomes; settled by the deadline + 250 ms",
  backends: backendNames,
  runs: { ci: 300, long: 5_000 },
  run: (context) =>
    runNetworkCampaign(context, {
      mayBeUnknown: true,
      scopeOf: (random) => (random.chance(0.3) ? "link" : "connection"),
      timeoutOf: (random) => random.pick(timeouts),
    }),
};

export const oneConnectionFaults: Campaign = {
  name: "one-connection",
  what: "a fault that lasts one connection, the server itself well",
  mustBe: "0 keys left unknown by the deadline",
  backends: backendNames,
  runs: { ci: 200, long: 5_000 },
  run: (context) =>
    runNetworkCampaign(context, {
      mayBeUnknown: false,
      scopeOf: () => "connection",
      timeoutOf: () => 5_000,
    }),
};

interface NetworkOptions {
  readonly mayBeUnknown: boolean;
  scopeOf(random: Random): LinkFault["scope"];
  timeoutOf(random: Random): number;
}

async function runNetworkCampaign(
  context: CampaignContext,
  options: NetworkOptions,
): Promise<CampaignResult> {
  const backend = backendOf(context);
  await using testbed = await openTestbed(backend);
  using stalls = new StallMeter();
  const count = Math.min(lanes[backend], context.runs);
  const opened: NetworkLane[] = await Promise.all(Array.from({ length: count }, () => openLane(testbed)));
  const tally = new NetworkTally(context);
  await inLanes(opened, context.runs, async (lane, run) => {
    const seed = context.seed + run;
    const random = new Random(seed);
    const fault = drawFault(random, options.scopeOf(random), random.pick([100, 1_000, 10_000]));
    const timeout = options.timeoutOf(random);
    const result = await runNetworkFault(lane, random, `run-${run}`, fault, timeout, stalls);
    tally.add(seed, `${fault.kind} of the ${fault.scope}, ${timeout} ms`, result, options.mayBeUnknown);
  });
  await Promise.all(opened.map((lane) => lane[Symbol.asyncDispose]()));
  return tally.result();
}
