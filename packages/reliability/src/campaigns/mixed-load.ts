import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { identify, uniqueValue } from "@manykv/conformance/checker";
import { byteTrueFaultKinds, Random, seededConnectionFault } from "@manykv/conformance/faults";
import { ProxiedClient } from "../network/proxied-client.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { type BackendName, serverNames, type Testbed } from "../testbeds/testbed.js";
import type { Campaign, CampaignContext, CampaignResult } from "./campaign.js";

const faultProbability = 0.01;
const faultOptions = { kinds: byteTrueFaultKinds, messageBytes: 5_000, longestHold: 400 };
const concurrentCalls = 3;
const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`);
/** Interval between two samples of memory, sockets and timers, in milliseconds. */
const period = 2_500;
/** Allowed memory growth beyond 20%, in bytes. The growth varies with the timing of the garbage collector. */
const slack = 12 * 1024 * 1024;

export const mixedLoad: Campaign = {
  name: "mixed-load",
  what: "mixed load with 1% faults, on all backends at once (runs are seconds)",
  mustBe: "memory, sockets and timers flat",
  runs: { ci: 120, long: 3_600 },
  run: runMixedLoad,
};

interface Sample {
  readonly heap: number;
  readonly sockets: number;
  readonly timers: number;
}

interface Tally {
  calls: number;
  rejected: number;
  faults: number;
  wrongValues: number;
}

async function runMixedLoad(context: CampaignContext): Promise<CampaignResult> {
  const testbeds = await Promise.all(serverNames.map((name: BackendName) => openTestbed(name)));
  const tally: Tally = { calls: 0, rejected: 0, faults: 0, wrongValues: 0 };
  const end = performance.now() + context.runs * 1_000;
  const samples: Sample[] = [];
  const load = Promise.all(testbeds.map((testbed, index) => loadOne(testbed, context.seed + index, end, tally)));
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, period));
    samples.push(takeSample());
  }
  await load;
  for (const testbed of testbeds) await testbed[Symbol.asyncDispose]();
  return judge(samples, tally);
}

async function loadOne(testbed: Testbed, seed: number, end: number, tally: Tally): Promise<void> {
  const random = new Random(seed);
  await using client = await ProxiedClient.of(testbed);
  const bucket = await client.bucket("load");
  let write = 0;
  const call = async (): Promise<void> => {
    const some = keys.filter(() => random.chance(0.2));
    const timeout = 2_000;
    if (random.chance(faultProbability)) {
      client.arm(seededConnectionFault(random.integer(0, 2 ** 31), faultOptions));
      tally.faults++;
      setTimeout(() => client.heal(), 1_000);
    }
    const kind = random.weighted({ set: 4, get: 4, delete: 1, list: 1 });
    if (kind === "set")
      await bucket.setMany(
        some.map((key) => [key, uniqueValue(++write, 200)]),
        { timeout },
      );
    else if (kind === "delete") await bucket.deleteMany(some, { timeout });
    else if (kind === "list") await bucket.listKeys({ timeout });
    else {
      for (const pair of await bucket.getMany(some, { timeout })) {
        if (pair !== undefined && identify(pair[1]) === "torn") tally.wrongValues++;
      }
    }
  };
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      tally.calls++;
      await call().catch(() => {
        tally.rejected++;
      });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await Promise.all(Array.from({ length: concurrentCalls }, worker));
}

const collectGarbage = garbageCollector();

function takeSample(): Sample {
  collectGarbage();
  const resources = process.getActiveResourcesInfo();
  return {
    heap: process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers,
    sockets: resources.filter((name) => name.startsWith("TCPSocket")).length,
    timers: resources.filter((name) => name === "Timeout").length,
  };
}

function judge(samples: readonly Sample[], tally: Tally): CampaignResult {
  // Ignore the first samples, because pools and caches are still filling up.
  const settled = samples.slice(Math.floor(samples.length / 6));
  const third = Math.max(1, Math.floor(settled.length / 3));
  const early = medians(settled.slice(0, third));
  const late = medians(settled.slice(-third));
  const failures: string[] = [];
  if (late.heap > early.heap * 1.2 + slack)
    failures.push(`memory must not grow, but grew from ${megabytes(early.heap)} to ${megabytes(late.heap)}`);
  if (late.sockets > early.sockets * 1.3 + 8)
    failures.push(`the number of sockets must not grow, but grew from ${early.sockets} to ${late.sockets}`);
  if (late.timers > early.timers * 1.3 + 12)
    failures.push(`the number of timers must not grow, but grew from ${early.timers} to ${late.timers}`);
  if (tally.wrongValues > 0)
    failures.push(`no read must return a damaged value, but ${tally.wrongValues} values were damaged`);
  const memory = `memory ${megabytes(early.heap)} to ${megabytes(late.heap)}`;
  const rest = `sockets ${early.sockets} to ${late.sockets}, timers ${early.timers} to ${late.timers}`;
  return {
    measured: `${memory}, ${rest}; ${tally.calls} calls, ${tally.faults} faults`,
    figures: {
      ...tally,
      heapEarly: early.heap,
      heapLate: late.heap,
      socketsEarly: early.sockets,
      socketsLate: late.sockets,
      timersEarly: early.timers,
      timersLate: late.timers,
    },
    failures,
  };
}

function medians(samples: readonly Sample[]): Sample {
  const of = (name: keyof Sample): number => {
    const sorted = samples.map((sample) => sample[name]).sort((left, right) => left - right);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  return { heap: of("heap"), sockets: of("sockets"), timers: of("timers") };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** Returns a function that runs the garbage collector, even if Node.js was started without `--expose-gc`. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
