import { randomBytes } from "node:crypto";
import { createStore, StoreError } from "@manykv/core";
import { inLanes } from "../in-lanes.js";
import { MutatingLink } from "../network/mutating-link.js";
import { drawMutation } from "../network/mutation.js";
import { Random } from "../random.js";
import { StallMeter } from "../stall-meter.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { type BackendName, direct, type Testbed } from "../testbeds/testbed.js";
import { backendOf, type Campaign, type CampaignContext, type CampaignResult } from "./campaign.js";

const laneCount = 16;
const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
const timeout = 250;
/** A cluster's answers are those of Redis, and its topology costs a connection to each node for every run. */
const backends: readonly BackendName[] = ["redis", "postgres", "dynamodb"];

export const malformedAnswers: Campaign = {
  name: "malformed",
  what: "malformed and truncated server answers",
  mustBe: "0 crashes, 0 hangs, 0 unhandled rejections",
  backends,
  // A third of the table's 2,000 and 100,000 for each.
  runs: { ci: 667, long: 33_334 },
  run: runMalformed,
};

interface Tally {
  calls: number;
  resolved: number;
  rejected: number;
  hangs: number;
  notOurErrors: number;
  readonly failures: string[];
}

async function runMalformed(context: CampaignContext): Promise<CampaignResult> {
  await using testbed = await openTestbed(backendOf(context));
  using stalls = new StallMeter();
  await fill(testbed);
  const lanes = await Promise.all(
    Array.from({ length: laneCount }, () =>
      MutatingLink.before(testbed.servers[0] as { host: string; port: number }),
    ),
  );
  const tally: Tally = { calls: 0, resolved: 0, rejected: 0, hangs: 0, notOurErrors: 0, failures: [] };
  await inLanes(lanes, context.runs, (link, run) => runOne(testbed, link, context.seed + run, tally, stalls));
  await Promise.all(lanes.map((link) => link[Symbol.asyncDispose]()));
  const { failures, ...figures } = tally;
  const text = `${tally.hangs} hangs, ${tally.notOurErrors} errors of other kinds in ${tally.calls} calls`;
  return { measured: text, figures, failures };
}

async function fill(testbed: Testbed): Promise<void> {
  await using store = createStore(testbed.driver(direct));
  const bucket = await store.open("malformed");
  await bucket.setMany(keys.map((key) => [key, randomBytes(100)]));
}

async function runOne(
  testbed: Testbed,
  link: MutatingLink,
  seed: number,
  tally: Tally,
  stalls: StallMeter,
): Promise<void> {
  const random = new Random(seed);
  const { name, mutate } = drawMutation(random);
  const what = `seed ${seed}, ${name}`;
  link.closes = random.chance(0.3);
  const spared = random.chance(0.5);
  if (!spared) link.mutate = mutate;
  const store = createStore(testbed.driver(() => link.address));
  const bucket = await store.open("malformed");
  // Half of the runs let the connection be opened in peace.
  if (spared) await bucket.exists("key 0").catch(() => {});
  link.mutate = mutate;
  const value = randomBytes(50);
  const calls = [
    () => bucket.getMany(keys, { timeout }),
    () =>
      bucket.setMany(
        keys.slice(0, 5).map((key) => [key, value]),
        { timeout },
      ),
    () => bucket.deleteMany(["another"], { timeout }),
    () => bucket.listKeys(undefined, { timeout }),
    () => bucket.exists("key 1", { timeout }),
  ];
  for (let count = random.integer(1, 3); count > 0; count--) {
    await settle(random.pick(calls)(), what, tally, stalls);
  }
  link.mutate = (chunk) => chunk;
  // Closing has no deadline of its own: it may wait for a connection that is being opened.
  await settle(store.close(), `${what}, close`, tally, stalls, 8_000);
}

async function settle(
  call: Promise<unknown>,
  what: string,
  tally: Tally,
  stalls: StallMeter,
  allowed = timeout + 250,
): Promise<void> {
  const began = performance.now() - stalls.total;
  tally.calls++;
  try {
    await within(call, 10_000);
    tally.resolved++;
  } catch (error) {
    if (error === hanging) tally.failures.push(`${what}: never settled`);
    if (StoreError.is(error)) tally.rejected++;
    else {
      tally.notOurErrors++;
      tally.failures.push(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  const taken = performance.now() - stalls.total - began;
  if (taken <= allowed) return;
  tally.hangs++;
  tally.failures.push(`${what}: took ${Math.round(taken)} ms`);
}

const hanging = Symbol("hanging");

function within<Result>(call: Promise<Result>, milliseconds: number): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, milliseconds, hanging);
    call.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
