import { byteTrueFaultKinds, Random, seededConnectionFault } from "@manykv/conformance/faults";
import { BatchError, type Bucket, type Outcome } from "@manykv/core";
import { runConcurrently } from "../run-concurrently.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { serverNames } from "../testbeds/testbed.js";
import { backendOf, type Campaign, type CampaignContext, type CampaignResult } from "./campaign.js";
import { type NetworkClients, openWorkers, runsOfClient } from "./network-run.js";

const timeouts = [150, 400, 1_000];
/** Number of increments of one key by all clients. Each has its own base-4 digit in a 64-bit integer. */
const increments = 30;
const created = 12;
const swaps = 8;
/** Timeout of reads that must succeed, in milliseconds. A busy machine may take seconds to open a connection. */
const patience = 60_000;

/**
 * Two clients increment, swap and create the same keys, with a network fault for one of them. Afterwards, the stored values
 * show for each call whether it was applied, once or twice.
 */
export const updates: Campaign = {
  name: "updates",
  what: "increments, swaps and `ifAbsent` under network faults",
  mustBe: "0 false outcomes, nothing counted twice",
  backends: serverNames,
  runs: { ci: 150, long: 5_000 },
  run: runUpdates,
};

async function runUpdates(context: CampaignContext): Promise<CampaignResult> {
  const backend = backendOf(context);
  await using testbed = await openTestbed(backend);
  const clients = await openWorkers(testbed, context.runs);
  const figures = { calls: 0, faults: 0, rejected: 0, unknown: 0, falseOutcomes: 0 };
  const failures: string[] = [];
  await runConcurrently(clients, context.runs, async (each, run) => {
    const seed = context.seed + run;
    const before = each.proxied.faults;
    const { calls, anomalies, fault } = await runUpdate(each, new Random(seed), seed, `run-${run}`);
    figures.calls += calls.length;
    figures.faults += each.proxied.faults - before;
    figures.rejected += calls.filter(({ rejected }) => rejected).length;
    figures.unknown += calls.filter(({ outcome }) => outcome === "unknown").length;
    figures.falseOutcomes += anomalies.length;
    for (const text of anomalies) failures.push(`seed ${seed}, ${fault}: ${text}`);
  });
  await Promise.all(clients.map((each) => each[Symbol.asyncDispose]()));
  const measured = `${figures.falseOutcomes} false outcomes, ${figures.unknown} of ${figures.calls} calls unknown`;
  return { measured, figures: { backend, ...figures }, failures };
}

/** What the clients did under one key, and what it reported. */
interface Update {
  /** For messages: the client and the number of its call. */
  readonly name: string;
  readonly outcome: Outcome;
  readonly rejected: boolean;
}

interface Increment extends Update {
  readonly digit: number;
  /** What the call returned. `undefined` if it rejected. */
  readonly result: bigint | undefined;
}

interface Write extends Update {
  /** The key must have had this value. `undefined` if it must not have existed. */
  readonly expected: string | undefined;
  readonly value: string;
  /** For a swap that found another value: that value. */
  readonly current?: string | undefined;
}

async function runUpdate(clients: NetworkClients, random: Random, seed: number, name: string) {
  if (++clients.runs % runsOfClient === 0) await clients.proxied.renew();
  const scope = random.chance(0.3) ? "all" : "connection";
  const options = { kinds: byteTrueFaultKinds, longestHold: 400, scope, messageBytes: 100 } as const;
  const fault = seededConnectionFault(seed, options);
  const timeout = random.pick(timeouts);
  const faulty = await clients.proxied.bucket(name);
  const other = await clients.other.open(name);
  if (random.chance(0.7)) await faulty.get("counter", { timeout: patience });
  clients.proxied.arm(fault);
  const digits = Array.from({ length: increments }, (_, digit) => digit);
  const [faultyDigits, otherDigits] = [
    digits.filter((digit) => digit % 3 > 0),
    digits.filter((digit) => digit % 3 === 0),
  ];
  const work = [
    { bucket: faulty, client: "faulty", timeout, digits: faultyDigits },
    { bucket: other, client: "other", timeout: 20_000, digits: otherDigits },
  ];
  const done = await Promise.all(
    work.map(async ({ bucket, client, digits: own, timeout: time }) => ({
      counted: await Promise.all(own.map((digit) => increment(bucket, client, digit, time))),
      swapped: await swapInTurn(bucket, client, time),
      created: await createAll(bucket, client, time),
    })),
  );
  clients.proxied.heal();
  await new Promise((resolve) => setTimeout(resolve, 15));
  const observer = await clients.observer.open(name);
  const counted = done.flatMap((each) => each.counted);
  const swapped = done.flatMap((each) => each.swapped);
  const createdKeys = done.flatMap((each) => each.created);
  const counter = await observer.get("counter", { timeout: patience });
  const anomalies = [
    ...checkCounter(counted, BigInt(decode(counter) ?? "0")),
    ...checkSwaps(swapped, decode(await observer.get("swapped", { timeout: patience }))),
    ...(await checkCreated(createdKeys, observer)),
  ];
  await observer.clear({ timeout: patience });
  return { calls: [...counted, ...swapped, ...createdKeys], anomalies, fault: String(fault) };
}

async function increment(bucket: Bucket, client: string, digit: number, timeout: number): Promise<Increment> {
  const name = `${client}'s increment of digit ${digit}`;
  try {
    const result = await bucket.increment("counter", 4n ** BigInt(digit), { timeout });
    return { name, digit, result, outcome: "applied", rejected: false };
  } catch (error) {
    return { name, digit, result: undefined, outcome: outcomeOf(error, 0), rejected: true };
  }
}

/** Checks that each digit of the counter is 1 for an applied increment, 0 for one that was not, and never more. */
function checkCounter(counted: readonly Increment[], total: bigint): string[] {
  const anomalies: string[] = [];
  for (const { name, digit, result, outcome } of counted) {
    const times = digitOf(total, digit);
    if (times > 1) anomalies.push(`${name} was counted ${times} times`);
    if (outcome === "applied" && times === 0) anomalies.push(`${name} was reported applied, but was not counted`);
    if (outcome === "not-applied" && times > 0) anomalies.push(`${name} was reported not applied, but was counted`);
    if (result !== undefined && digitOf(result, digit) !== 1) anomalies.push(`${name} returned a result without it`);
  }
  return anomalies;
}

function digitOf(total: bigint, digit: number): number {
  return Number((total >> BigInt(2 * digit)) & 3n);
}

/** Swaps a key to a new unique value several times, each time from the value that the client last knew. */
async function swapInTurn(bucket: Bucket, client: string, timeout: number): Promise<Write[]> {
  const done: Write[] = [];
  let expected: string | undefined;
  for (let number = 0; number < swaps; number++) {
    const value = `${client} ${number}`;
    const name = `${client}'s swap ${number}`;
    try {
      const change = { expected: encode(expected), value: encode(value) };
      const result = await bucket.compareAndSwap("swapped", change, { timeout });
      const outcome = result.swapped ? "applied" : "not-applied";
      const current = result.swapped ? undefined : decode(result.current);
      done.push({ name, expected, value, outcome, rejected: false, ...(!result.swapped && { current }) });
      expected = result.swapped ? value : current;
    } catch (error) {
      done.push({ name, expected, value, outcome: outcomeOf(error, 0), rejected: true });
      // The client may expect a value that the key does not have any more. The next swap then returns the current one.
    }
  }
  return done;
}

/**
 * Checks that the swaps form one chain from no value to the final value. All values are unique, so each is replaced at most
 * once. The chain contains every applied swap, some of unknown outcome, and no other.
 */
function checkSwaps(swapped: readonly Write[], final: string | undefined): string[] {
  const anomalies: string[] = [];
  const byValue = new Map(swapped.map((swap) => [swap.value, swap]));
  const chain = new Set<string | undefined>();
  for (let value = final; value !== undefined; value = byValue.get(value)?.expected) {
    if (chain.has(value)) break;
    chain.add(value);
  }
  for (const { name, value, expected, outcome, rejected, current } of swapped) {
    const isInChain = chain.has(value);
    if (outcome === "applied" && !isInChain)
      anomalies.push(`${name} was reported swapped, but another one replaced ${expected}`);
    if (outcome === "not-applied" && isInChain) anomalies.push(`${name} was reported not swapped, but it was`);
    if (outcome === "not-applied" && !rejected && current === expected)
      anomalies.push(`${name} found what it expected`);
    if (current !== undefined && !chain.has(current)) anomalies.push(`${name} found a value that the key never had`);
  }
  return anomalies;
}

async function createAll(bucket: Bucket, client: string, timeout: number): Promise<Write[]> {
  const keys = Array.from({ length: created }, (_, index) => `created ${index}`);
  let failure: unknown;
  try {
    await bucket.setMany(
      keys.map((key) => [key, encode(`${client} ${key}`) as Uint8Array]),
      { ifAbsent: true, timeout },
    );
  } catch (error) {
    failure = error;
  }
  return keys.map((key, index) => ({
    name: `${client}'s ${key}`,
    expected: undefined,
    value: `${client} ${key}`,
    outcome: failure === undefined ? "applied" : outcomeOf(failure, index),
    rejected: failure !== undefined,
  }));
}

/** Checks that each key has the value of the client that created it. */
async function checkCreated(writes: readonly Write[], observer: Bucket): Promise<string[]> {
  const keys = Array.from({ length: created }, (_, index) => `created ${index}`);
  const found = await observer.getMany(keys, { timeout: patience });
  return writes.flatMap(({ name, value, outcome }, index) => {
    const stored = decode(found[index % created]?.[1]);
    if (outcome === "applied" && stored !== value)
      return [`${name} was reported applied, but another client created it`];
    return outcome === "not-applied" && stored === value ? [`${name} was reported not applied, but it was`] : [];
  });
}

function outcomeOf(error: unknown, index: number): Outcome {
  if (BatchError.is(error)) return error.outcomeOf(index);
  throw error;
}

function encode(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : new TextEncoder().encode(text);
}

function decode(value: Uint8Array | undefined): string | undefined {
  return value && new TextDecoder().decode(value);
}
