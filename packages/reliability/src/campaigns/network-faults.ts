import { byteTrueFaultKinds, type ConnectionFault, Random, seededConnectionFault } from "@manykv/conformance/faults";
import { runConcurrently } from "../run-concurrently.js";
import { StallMeter } from "../stall-meter.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { serverNames } from "../testbeds/testbed.js";
import { backendOf, type Campaign, type CampaignContext, type CampaignResult } from "./campaign.js";
import { openWorkers, runNetworkFault } from "./network-run.js";
import { NetworkTally } from "./network-tally.js";

const faultOptions = { kinds: byteTrueFaultKinds, longestHold: 400 };
/** Timeouts of calls in the campaign `network`, in milliseconds. Each run uses one of these timeouts. */
const timeouts = [150, 400, 1_000];

export const networkFaults: Campaign = {
  name: "network",
  what: "network faults on real servers",
  mustBe: "0 false outcomes; settled by the deadline + 250 ms",
  backends: serverNames,
  runs: { ci: 300, long: 5_000 },
  run: (context) =>
    runNetworkCampaign(context, {
      mayBeUnknown: true,
      scopeOf: (random) => (random.chance(0.3) ? "all" : "connection"),
      timeoutOf: (random) => random.pick(timeouts),
    }),
};

export const oneConnectionFaults: Campaign = {
  name: "one-connection",
  what: "a fault on one connection to a healthy server",
  mustBe: "0 keys of sets and deletes unknown at the deadline",
  backends: serverNames,
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
  scopeOf(random: Random): NonNullable<ConnectionFault["scope"]>;
  timeoutOf(random: Random): number;
}

async function runNetworkCampaign(context: CampaignContext, options: NetworkOptions): Promise<CampaignResult> {
  await using testbed = await openTestbed(backendOf(context));
  using stalls = new StallMeter();
  const clients = await openWorkers(testbed, context.runs);
  const tally = new NetworkTally(context);
  await runConcurrently(clients, context.runs, async (each, run) => {
    const seed = context.seed + run;
    const random = new Random(seed);
    const scope = options.scopeOf(random);
    const messageBytes = random.pick([100, 1_000, 10_000]);
    const fault = seededConnectionFault(seed, { ...faultOptions, scope, messageBytes });
    const timeout = options.timeoutOf(random);
    const result = await runNetworkFault(each, random, `run-${run}`, fault, timeout, stalls);
    tally.add(seed, `${String(fault)}, ${timeout} ms`, result, options.mayBeUnknown);
  });
  await Promise.all(clients.map((each) => each[Symbol.asyncDispose]()));
  return tally.result();
}
