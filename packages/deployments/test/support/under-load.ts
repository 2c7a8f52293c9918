import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type AnomalyKind, checkHistory, History, RecordedClient } from "@manykv/conformance/checker";
import { Random } from "@manykv/conformance/faults";
import { createStore, type Store } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import { randomName } from "@manykv/test-services";

export interface LoadOptions {
  /** Creates a client of the deployment. */
  readonly driver: () => Driver;
  /** Disturbs the deployment while clients write. */
  readonly disturb: () => Promise<void>;
  /** How often to disturb. */
  readonly times: number;
  /** Anomalies that the servers cause, and that no client can prevent. Default: none. */
  readonly excused?: ReadonlySet<AnomalyKind>;
}

/** What a checker sees if a master is killed that acknowledged writes which no replica has. */
export const lossOfAsynchronousReplication: ReadonlySet<AnomalyKind> = new Set<AnomalyKind>([
  // The write was acknowledged, its call resolved, and no later read sees it.
  "lost-write",
  // The same, but other keys of the call failed.
  "false-applied",
  // The master served the write to a read before it died. Its successor has an older value.
  "stale-overwrite",
  // A delete was lost in one of these ways. A later delete makes the checker take it for a delete that took effect late,
  // because all deletes leave the same: no value.
  "stale-read",
  // Each read is possible by itself, but the reads of both masters have no common order.
  "impossible-order",
]);

const keys = Array.from({ length: 80 }, (_, index) => `key ${index}`);
const writers = 3;
/** Long enough for a failover. In milliseconds. */
const timeout = 30_000;
/** Splits each batch into several requests, so that a batch is disturbed between and within them. */
const requestLimits = { maxKeys: 10 };

/**
 * Disturbs a deployment while three clients set, delete and read batches of the same keys. Fails if a call hangs, if an
 * outcome is false, if a read contradicts the outcomes, or if the deployment does not serve again afterwards.
 *
 * If the store reports that it cannot settle lost writes, the checker allows a lost write to take effect later.
 */
export async function underLoad({ driver, disturb, times, excused = new Set() }: LoadOptions): Promise<void> {
  const open = (): Store => createStore(driver(), { requestLimits });
  const stores = Array.from({ length: writers }, open);
  const [first] = stores as [Store];
  const fenced = (await first.describe()).abilities.settlesLostWrites === true;
  const bucket = randomName();
  const history = new History();
  let stopped = false;
  const write = async (store: Store, number: number): Promise<void> => {
    const random = new Random(number);
    const options = { fenced, valueBytes: () => random.integer(12, 2_000), tolerance: 5_000 };
    const client = new RecordedClient(history, `writer ${number}`, await store.open(bucket), options);
    for (let call = 0; !stopped || call < 10; call++) {
      const some = keys.filter(() => random.chance(0.4));
      await client[random.weighted({ setMany: 6, deleteMany: 2, getMany: 2 })](some, { timeout });
      // A failover takes seconds. The time to check a history grows faster than its length.
      await sleep(random.integer(1, 50));
    }
  };
  const ended = Promise.all(stores.map(write));
  for (let time = 0; time < times; time++) {
    await sleep(150 + 70 * time);
    await disturb();
  }
  await sleep(150);
  stopped = true;
  await ended;
  await Promise.all(stores.map((store) => store.close()));
  await using store = open();
  const observed = await store.open(bucket);
  const observer = new RecordedClient(history, "observer", observed, { tolerance: 5_000 });
  assert.deepEqual(await observer.getMany(keys, { timeout }), {}, "the deployment must serve again");
  await observed.deleteMany(keys, { timeout });
  const { anomalies } = checkHistory(history);
  const wrong = anomalies.filter(({ kind }) => !excused.has(kind)).map(({ kind, text }) => `${kind}: ${text}`);
  assert.deepEqual(wrong, []);
  const applied = history.writes.filter(({ outcome }) => outcome === "applied").length;
  assert.ok(applied > 0, "no write was acknowledged");
}
