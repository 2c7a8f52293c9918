import { channel } from "node:diagnostics_channel";
import { checkHistory, History, RecordedClient } from "@manykv/conformance/checker";
import { type Address, type HttpProxy, passThrough, Random } from "@manykv/conformance/faults";
import { type AttemptEvent, createStore } from "@manykv/core";
import {
  type ServiceFault,
  type ServiceFaultKind,
  serviceFaultKinds,
  startDynamodbProxy,
  withFault,
} from "../network/dynamodb-faults.js";
import { describeAnomalies } from "../report/describe-anomalies.js";
import { runConcurrently } from "../run-concurrently.js";
import { StallMeter } from "../stall-meter.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { direct, type Testbed } from "../testbeds/testbed.js";
import type { Campaign, CampaignContext, CampaignResult } from "./campaign.js";

const workers = 4;
/** Core's default limit of consecutive attempts without progress. */
const attemptsWithoutProgress = 10;

export const capacityFaults: Campaign = {
  name: "capacity",
  what: "DynamoDB: 1 to 99% unprocessed, throttles, 500s, resets after apply",
  mustBe: "0 false outcomes, no false missing, attempts bounded and jittered",
  backends: ["dynamodb"],
  runs: { ci: 500, long: 10_000 },
  run: runCapacityFaults,
};

interface Tally {
  calls: number;
  rejected: number;
  requests: number;
  falseOutcomes: number;
  mostAttempts: number;
  stuckCalls: number;
  readonly stuckAttempts: number[];
  readonly waits: number[];
  readonly failures: string[];
}

async function runCapacityFaults(context: CampaignContext): Promise<CampaignResult> {
  await using testbed = await openTestbed("dynamodb");
  using stalls = new StallMeter();
  const tally: Tally = {
    calls: 0,
    rejected: 0,
    requests: 0,
    falseOutcomes: 0,
    mostAttempts: 0,
    stuckCalls: 0,
    stuckAttempts: [],
    waits: [],
    failures: [],
  };
  const attempts = channel("manykv:attempt");
  const watch = (event: unknown): void => {
    tally.mostAttempts = Math.max(tally.mostAttempts, (event as AttemptEvent).attempt);
  };
  attempts.subscribe(watch);
  const [server] = testbed.servers as [Address];
  const proxies = await Promise.all(Array.from({ length: workers }, () => startDynamodbProxy(server)));
  await runConcurrently(proxies, context.runs, async (proxy, run) => {
    const seed = context.seed + run;
    // With every twentieth seed, the proxy reports all items as unprocessed. The call must then reject.
    if (seed % 20 === 19) await runStuck(testbed, proxy, seed, tally);
    else await runOne(testbed, proxy, seed, `run-${run}`, tally, stalls);
  });
  attempts.unsubscribe(watch);
  await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  return resultOf(tally);
}

async function runOne(
  testbed: Testbed,
  proxy: HttpProxy,
  seed: number,
  name: string,
  tally: Tally,
  stalls: StallMeter,
): Promise<void> {
  const random = new Random(seed);
  const history = new History();
  proxy.handler = passThrough;
  await using store = createStore(testbed.driver(() => proxy.address));
  await using beside = createStore(testbed.driver(direct));
  const client = new RecordedClient(history, "client", await store.open(name), {
    fenced: false,
    stalled: () => stalls.total,
  });
  const observer = new RecordedClient(history, "observer", await beside.open(name));
  const keys = Array.from({ length: random.pick([1, 10, 60]) }, (_, index) => `key ${index}`);
  await client.setMany(keys.filter(() => random.chance(0.6)));
  const before = proxy.requests.length;
  const level = random.integer(1, 99) / 100;
  const kinds = serviceFaultKinds.filter(() => random.chance(0.4));
  proxy.handler = (exchange) => withFault(drawServiceFault(random, kinds, level), random)(exchange);
  for (let call = 0; call < 3; call++) {
    const some = keys.filter(() => random.chance(0.8));
    const kind = random.weighted({ setMany: 4, deleteMany: 3, getMany: 4 });
    const { error } = await client[kind](some, { timeout: random.pick([500, 3_000]) });
    tally.calls++;
    if (error !== undefined) tally.rejected++;
  }
  tally.requests += proxy.requests.length - before;
  proxy.requests.length = 0;
  proxy.handler = passThrough;
  await observer.getMany(keys);
  const { anomalies } = checkHistory(history);
  tally.falseOutcomes += anomalies.length;
  for (const text of describeAnomalies(anomalies)) tally.failures.push(`seed ${seed}: ${text}`);
}

function drawServiceFault(random: Random, kinds: readonly ServiceFaultKind[], level: number): ServiceFault | undefined {
  const kind = random.pick(["unprocessed" as const, ...kinds]);
  if (kind === "unprocessed") return { kind, probability: level };
  return random.chance(0.6) ? { kind } : undefined;
}

/**
 * Makes a call while the proxy reports all items as unprocessed. Checks that the call rejects with `throttled` after a
 * limited number of attempts, and records the waits between the attempts.
 */
async function runStuck(testbed: Testbed, proxy: HttpProxy, seed: number, tally: Tally): Promise<void> {
  proxy.handler = withFault({ kind: "unprocessed", probability: 1 }, new Random(seed));
  proxy.requests.length = 0;
  await using store = createStore(
    testbed.driver(() => proxy.address),
    { retry: { baseDelay: 20, maxDelay: 100 } },
  );
  const bucket = await store.open("stuck");
  const call = seed % 40 === 19 ? bucket.getMany(["a", "b"]) : bucket.setMany([["a", new Uint8Array(1)]]);
  const code = await call.then(
    () => "none",
    (error: { code?: string }) => error.code ?? "none",
  );
  const times = proxy.requests.map(({ at }) => at);
  proxy.requests.length = 0;
  proxy.handler = passThrough;
  tally.stuckCalls++;
  tally.stuckAttempts.push(times.length);
  for (const [index, time] of times.entries()) if (index > 0) tally.waits.push(time - (times[index - 1] as number));
  if (code !== "throttled")
    tally.failures.push(`seed ${seed}: a call without progress must reject with throttled, but its code is ${code}`);
  if (times.length > attemptsWithoutProgress + 1) {
    tally.failures.push(
      `seed ${seed}: a call must make at most ${attemptsWithoutProgress + 1} attempts, but made ${times.length}`,
    );
  }
}

function resultOf(tally: Tally): CampaignResult {
  const { failures, stuckAttempts, waits, ...figures } = tally;
  const shortest = Math.round(Math.min(...waits));
  const longest = Math.round(Math.max(...waits));
  const most = Math.max(...stuckAttempts);
  const distinct = new Set(waits.map((wait) => Math.round(wait))).size;
  if (waits.length > 50 && distinct < 10)
    failures.push(`the waits between attempts must be jittered, but only ${distinct} of ${waits.length} differ`);
  const text = `${tally.falseOutcomes} false outcomes; ${most} attempts without progress, ${shortest}-${longest} ms apart`;
  return {
    measured: text,
    figures: {
      ...figures,
      stuckAttempts: most,
      distinctWaits: distinct,
      shortestWait: shortest,
      longestWait: longest,
    },
    failures,
  };
}
