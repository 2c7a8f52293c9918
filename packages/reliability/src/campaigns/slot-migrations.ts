import { checkHistory, History } from "@manykv/conformance/checker";
import { Random } from "@manykv/conformance/faults";
import type { Redis } from "ioredis";
import { describeAnomalies } from "../report/describe-anomalies.js";
import { ClusterControl, type NodeView } from "../testbeds/cluster-control.js";
import { type ClusterTestbed, redisClusterTestbed } from "../testbeds/redis-cluster.js";
import { BackgroundWriters } from "./background-writers.js";
import type { Campaign } from "./campaign.js";
import { observeAll } from "./observe.js";

const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`);
const slotsOfRun = 4;

export const slotMigrations: Campaign = {
  name: "migration",
  what: "slot migration mid-batch",
  mustBe: "no MOVED, ASK, TRYAGAIN or CROSSSLOT reaches a caller",
  backends: ["redis-cluster"],
  runs: { ci: 20, long: 300 },
  async run(context) {
    await using testbed = await redisClusterTestbed({});
    const control = new ClusterControl(testbed.servers);
    const writers = new BackgroundWriters(testbed, 3);
    const failures: string[] = [];
    let moved = 0;
    for (let run = 0; run < context.runs; run++) {
      const seed = context.seed + run;
      const random = new Random(seed);
      const history = new History();
      const bucket = `migration-${run}`;
      await writers.start(history, bucket, random, { keys, timeout: 30_000, fenced: true });
      await new Promise((resolve) => setTimeout(resolve, random.integer(30, 100)));
      for (let slot = 0; slot < slotsOfRun; slot++) moved += await moveSlot(testbed, control, random);
      await writers.stop();
      await observeAll(testbed, history, bucket, keys);
      const { anomalies } = checkHistory(history);
      for (const text of describeAnomalies(anomalies)) failures.push(`seed ${seed}: ${text}`);
      for (const text of writers.rejected.splice(0)) failures.push(`seed ${seed}: ${text}`);
    }
    await writers.close();
    control.close();
    return {
      measured: `${failures.length} calls rejected or false of ${writers.calls}, ${moved} slots with keys moved`,
      figures: { calls: writers.calls, slotsMoved: moved, failed: failures.length },
      failures,
    };
  },
};

/**
 * Moves one slot with keys from one random master to another, key by key, like `redis-cli --cluster reshard`. Returns
 * the number of moved slots: 0 if the first master has no keys, and otherwise 1.
 */
async function moveSlot(testbed: ClusterTestbed, control: ClusterControl, random: Random): Promise<number> {
  const [viewer] = testbed.servers;
  const masters = (await control.nodes(viewer as NodeView["address"])).filter(({ serves }) => serves);
  const source = random.pick(masters);
  const target = random.pick(masters.filter(({ id }) => id !== source.id));
  const from = control.at(source.address);
  const to = control.at(target.address);
  const key = await from.randomkey();
  if (key === null) return 0;
  const slot = Number(await from.call("CLUSTER", "KEYSLOT", key));
  await to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id);
  await from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id);
  await moveKeys(from, slot, target, random);
  for (const client of [to, from]) await client.call("CLUSTER", "SETSLOT", slot, "NODE", target.id);
  return 1;
}

async function moveKeys(from: Redis, slot: number, { address }: NodeView, random: Random): Promise<void> {
  for (;;) {
    // During this wait, clients find the slot partly moved.
    await new Promise((resolve) => setTimeout(resolve, random.integer(0, 15)));
    const some = (await from.call("CLUSTER", "GETKEYSINSLOT", slot, 1)) as string[];
    if (some.length === 0) return;
    await from.call("MIGRATE", address.host, address.port, "", 0, 5_000, "REPLACE", "KEYS", ...some);
  }
}
