import { randomBytes } from "node:crypto";
import { type Address, Random, TcpProxy } from "@manykv/conformance/faults";
import { createStore, StoreError } from "@manykv/core";
import { drawMutation, type Mutation } from "../network/mutation.js";
import { runConcurrently } from "../run-concurrently.js";
import { StallMeter } from "../stall-meter.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { type BackendName, direct, type Testbed } from "../testbeds/testbed.js";
import { backendOf, type Campaign, type CampaignContext, type CampaignResult } from "./campaign.js";

const workers = 16;
const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
const timeout = 250;
/** Redis Cluster is left out: its nodes respond like a single Redis server, and each run would connect to all nodes. */
const backends: readonly BackendName[] = ["redis", "postgres", "dynamodb"];

export const malformedAnswers: Campaign = {
  name: "malformed",
  what: "malformed and truncated server responses",
  mustBe: "0 crashes, 0 hangs, 0 unhandled rejections",
  backends,
  // 2,000 and 100,000 runs, divided by the number of backends.
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
  const [server] = testbed.servers as [Address];
  const proxies = await Promise.all(Array.from({ length: workers }, () => TcpProxy.start(server)));
  const tally: Tally = { calls: 0, resolved: 0, rejected: 0, hangs: 0, notOurErrors: 0, failures: [] };
  await runConcurrently(proxies, context.runs, (proxy, run) =>
    runOne(testbed, proxy, context.seed + run, tally, stalls),
  );
  await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
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
  proxy: TcpProxy,
  seed: number,
  tally: Tally,
  stalls: StallMeter,
): Promise<void> {
  const random = new Random(seed);
  const { name, mutate } = drawMutation(random);
  const what = `seed ${seed}, ${name}`;
  const closes = random.chance(0.3);
  const spared = random.chance(0.5);
  if (!spared) mutateAnswers(proxy, mutate, closes);
  const store = createStore(testbed.driver(() => proxy.address));
  const bucket = await store.open("malformed");
  // In half of the runs, the proxy does not change the bytes of the handshake.
  if (spared) await bucket.exists("key 0").catch(() => {});
  mutateAnswers(proxy, mutate, closes);
  const value = randomBytes(50);
  const calls = [
    () => bucket.getMany(keys, { timeout }),
    () =>
      bucket.setMany(
        keys.slice(0, 5).map((key) => [key, value]),
        { timeout },
      ),
    () => bucket.deleteMany(["another"], { timeout }),
    () => bucket.listKeys({ timeout }),
    () => bucket.exists("key 1", { timeout }),
  ];
  for (let count = random.integer(1, 3); count > 0; count--) {
    await settle(random.pick(calls)(), what, tally, stalls);
  }
  mutateAnswers(proxy, (chunk) => chunk, false);
  // `close` has no deadline, and may wait for a connection that is being opened. So allow more time.
  await settle(store.close(), `${what}, close`, tally, stalls, 8_000);
}

/** Makes the proxy apply `mutate` to responses. With `closes`, the proxy closes a connection after the first change. */
function mutateAnswers(proxy: TcpProxy, mutate: Mutation, closes: boolean): void {
  proxy.intercept = (chunk, direction, connection) => {
    if (direction === "request") return chunk;
    const changed = mutate(chunk);
    if (!closes || changed === chunk) return changed;
    if (changed !== undefined) connection.send("answer", changed);
    connection.client.end();
    return undefined;
  };
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
    if (error === hanging) tally.failures.push(`${what}: the call must settle, but has not after 10 seconds`);
    if (StoreError.is(error)) tally.rejected++;
    else {
      tally.notOurErrors++;
      tally.failures.push(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  const taken = performance.now() - stalls.total - began;
  if (taken <= allowed) return;
  tally.hangs++;
  tally.failures.push(`${what}: the call must settle within ${allowed} ms, but took ${Math.round(taken)} ms`);
}

const hanging = Symbol("hanging");

function within<Result>(call: Promise<Result>, milliseconds: number): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, milliseconds, hanging);
    call.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
