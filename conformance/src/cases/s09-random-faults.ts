import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { deriveSeed, Random } from "../faults/random.js";
import { seededFaults } from "../faults/seeded-faults.js";
import { bytes } from "../support/bytes.js";
import { writeKinds } from "../support/faulty-write.js";
import { settles } from "../support/settles.js";
import { assertTrue, type JudgedWrite, outcomesOfWrite, settable } from "../support/truth.js";

const rounds = 40;
/** Number of concurrent rounds. Each round writes different keys and spends most of its time waiting for a deadline. */
const lanes = 8;
const timeout = 250;
const hangs = 20_000;

/** Cases for rule S9: under random faults, every call settles and every outcome is true. */
export const randomFaultCases: readonly ConformanceCase[] = writeKinds.map((kind) => ({
  id: `s09-${kind}-random-faults`,
  rule: "S9",
  subject: "core",
  wit: kind === "set" ? ["batch 3", "set-many 5"] : ["batch 3", "delete-many 4"],
  title: `${kind}Many: every call settles and every outcome is true under ${rounds} seeded schedules of random faults`,
  async run(context) {
    const name = context.bucketName();
    const direct = await context.bucket({ name });
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let round = next++; round < rounds; round = next++) await oneRound(context, kind, direct, round);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  },
}));

async function oneRound(context: CaseContext, kind: "set" | "delete", direct: Bucket, round: number): Promise<void> {
  const schedule = seededFaults({ seed: deriveSeed(context.seed, round), rate: 0.6 });
  const store = await context.store({
    store: { requestLimits: { maxKeys: 4 }, retry: { attempts: 3, baseDelay: 1, maxDelay: 4 }, timeout },
    wrap: (driver: Driver) => faultDriver(driver, schedule),
  });
  const faulty = await store.open(direct.name);
  const judged = randomWrite(kind, deriveSeed(context.seed, `write ${round}`), round);
  await direct.setMany(judged.before);
  const call =
    kind === "set" ? faulty.setMany(settable(judged.entries)) : faulty.deleteMany(judged.entries.map(([key]) => key));
  const size = judged.entries.length;
  const settled = await settles(
    outcomesOfWrite(call, size),
    hangs,
    `${kind}Many in round ${round} under ${String(schedule)}`,
  );
  if (settled.status === "rejected") throw settled.reason;
  try {
    await assertTrue(direct, judged, settled.value);
  } catch (error) {
    assert.fail(`${(error as Error).message} (round ${round}, ${String(schedule)})`);
  }
  // Closes each store after its round, because a server accepts a limited number of connections.
  await store.close();
}

/** Returns a random write of 1 to 15 keys, about half of which exist. */
function randomWrite(kind: "set" | "delete", seed: number, round: number): JudgedWrite {
  const random = new Random(seed);
  const keys = Array.from({ length: random.integer(1, 15) }, (_, index) => `${round}/${index}`);
  const there = keys.filter(() => random.chance(0.5));
  return {
    before: new Map(there.map((key) => [key, bytes(`old ${key}`)])),
    entries: keys.map((key) => [key, kind === "set" ? bytes(`new ${key}`) : undefined]),
  };
}
