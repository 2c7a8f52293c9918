import { type Anomaly, checkHistory, History, RecordedClient } from "@manykv/conformance/checker";
import { answerLost, type CallFault, faultDriver, type KeyFault, Random } from "@manykv/conformance/faults";
import { type Bucket, createStore } from "@manykv/core";
import type { Driver, Fault } from "@manykv/core/driver";
import { memoryDriver } from "@manykv/memory";
import { VirtualTime } from "../../src/simulation/virtual-time.js";

/** Functions that wrap the driver or the bucket to plant a bug. */
export interface Plant {
  readonly driver?: (inner: Driver, random: Random) => Driver;
  readonly bucket?: (inner: Bucket, random: Random) => Bucket;
}

/** The key that clients increment. They do not set it, because the increments would then fail. */
const counter = "counter";
const valueKeys = ["a", "b", "c", "d"];
const keys = [...valueKeys, counter];
/** Times to live of keys, in milliseconds. */
const ttls = [undefined, undefined, undefined, 60, 500];
const refused: Fault = { code: "access-denied", retryable: false, effect: "none" };

/**
 * Runs two clients on the same keys, with faults. Then reads all keys, and reads them again after all timers have
 * fired and all keys with a `ttl` have expired. Returns the anomalies that the checker finds.
 */
export async function runWorkload(seed: number, plant: Plant): Promise<readonly Anomaly[]> {
  const random = new Random(seed);
  const time = new VirtualTime();
  const restore = time.install(() => random.next());
  try {
    return await run(random, time, plant);
  } finally {
    restore();
  }
}

async function run(random: Random, time: VirtualTime, plant: Plant): Promise<readonly Anomaly[]> {
  const history = new History();
  const engine = memoryDriver();
  const clients: RecordedClient[][] = [];
  for (const name of ["first", "second"]) {
    const faulty = faultDriver(engine, () => (random.chance(0.4) ? drawFault(random) : undefined));
    const driver = plant.driver?.(faulty, random) ?? faulty;
    clients.push(await recorded(history, name, driver, random, (bucket) => plant.bucket?.(bucket, random) ?? bucket));
  }
  let open = clients.length;
  for (const of of clients) {
    use(of, random).then(() => {
      open--;
    });
  }
  await time.run(() => open === 0);
  const observer = await recorded(history, "observer", engine, random, (bucket) => bucket);
  for (const client of observer) await client.getMany(keys);
  setTimeout(() => {}, 1_000);
  await time.run();
  for (const client of observer) await client.getMany(keys);
  return checkHistory(history).anomalies;
}

async function recorded(
  history: History,
  name: string,
  driver: Driver,
  random: Random,
  wrap: (bucket: Bucket) => Bucket,
): Promise<RecordedClient[]> {
  const store = createStore(driver);
  const buckets = [await store.open("one"), await store.open("two")];
  return buckets.map(
    (bucket) => new RecordedClient(history, name, wrap(bucket), { entryTtl: () => random.pick(ttls) }),
  );
}

async function use(clients: readonly RecordedClient[], random: Random): Promise<void> {
  for (let call = 0; call < 10; call++) {
    const client = random.pick(clients);
    const some = Array.from({ length: random.integer(1, 5) }, () => random.pick(valueKeys));
    const controller = random.chance(0.1) ? new AbortController() : undefined;
    if (controller !== undefined) setTimeout(() => controller.abort(), 5);
    const options = { timeout: random.pick([200, 5_000]), ...(controller && { signal: controller.signal }) };
    const kind = random.weighted({
      setMany: 6,
      deleteMany: 2,
      increment: 3,
      compareAndSwap: 4,
      getMany: 5,
      exists: 1,
      list: 1,
    });
    if (kind === "exists") await client.exists(random.pick(keys), options);
    else if (kind === "list") await client.list(keys, options);
    else if (kind === "increment") await client.increment(counter, 1n, { ...options, ttl: random.pick(ttls) });
    else if (kind === "compareAndSwap")
      await client.compareAndSwap(random.pick(valueKeys), random.pick(["set", "set", "delete"]), options);
    else if (kind === "setMany") await client.setMany(some, { ...options, ifAbsent: random.chance(0.3) });
    else if (kind === "getMany") await client.getMany([...some, counter], options);
    else await client.deleteMany(some, options);
    await new Promise((resolve) => setTimeout(resolve, random.integer(1, 50)));
  }
}

function drawFault(random: Random): CallFault {
  switch (random.weighted({ keys: 5, reject: 2, lost: 2, "late-apply": 2, "drop-answer": 1 })) {
    case "keys":
      return { kind: "keys", of: () => drawKeyFault(random) };
    case "reject":
      return { kind: "reject", fault: refused };
    case "lost":
      return { kind: "reject", fault: answerLost, applied: random.chance(0.5) };
    case "late-apply":
      return { kind: "late-apply", milliseconds: random.pick([3, 300, 3_000]) };
    case "drop-answer":
      return { kind: "drop-answer" };
  }
}

function drawKeyFault(random: Random): KeyFault | undefined {
  const fault = random.pick(["none", "unprocessed", "refused", "lost"] as const);
  if (fault === "none") return undefined;
  if (fault === "unprocessed") return { kind: "unprocessed" };
  if (fault === "refused") return { kind: "fail", fault: refused };
  return { kind: "fail", fault: answerLost, applied: random.chance(0.5) };
}
