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

const keys = ["a", "b", "c", "d"];
const refused: Fault = { code: "access-denied", retryable: false, effect: "none" };

/**
 * Runs two clients on the same keys, with faults. Then reads all keys, and reads them again after all timers have
 * fired. Returns the anomalies that the checker finds.
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
    clients.push(await recorded(history, name, driver, (bucket) => plant.bucket?.(bucket, random) ?? bucket));
  }
  let open = clients.length;
  for (const of of clients) {
    use(of, random).then(() => {
      open--;
    });
  }
  await time.run(() => open === 0);
  const observer = await recorded(history, "observer", engine, (bucket) => bucket);
  for (const client of observer) await client.getMany(keys);
  await time.run();
  for (const client of observer) await client.getMany(keys);
  return checkHistory(history).anomalies;
}

async function recorded(
  history: History,
  name: string,
  driver: Driver,
  wrap: (bucket: Bucket) => Bucket,
): Promise<RecordedClient[]> {
  const store = createStore(driver);
  const buckets = [await store.open("one"), await store.open("two")];
  return buckets.map((bucket) => new RecordedClient(history, name, wrap(bucket)));
}

async function use(clients: readonly RecordedClient[], random: Random): Promise<void> {
  for (let call = 0; call < 8; call++) {
    const client = random.pick(clients);
    const some = Array.from({ length: random.integer(1, 5) }, () => random.pick(keys));
    const controller = random.chance(0.1) ? new AbortController() : undefined;
    if (controller !== undefined) setTimeout(() => controller.abort(), 5);
    const options = { timeout: random.pick([200, 5_000]), ...(controller && { signal: controller.signal }) };
    const kind = random.weighted({ setMany: 5, deleteMany: 2, getMany: 4, exists: 1, list: 1 });
    if (kind === "exists") await client.exists(random.pick(keys), options);
    else if (kind === "list") await client.list(keys, options);
    else await client[kind](some, options);
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
