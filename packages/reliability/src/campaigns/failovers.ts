import { type Anomaly, type AnomalyKind, checkHistory, History } from "@manykv/conformance/checker";
import { Random } from "@manykv/conformance/faults";
import { describeAnomalies } from "../report/describe-anomalies.js";
import { ClusterControl, type NodeView } from "../testbeds/cluster-control.js";
import { type ClusterTestbed, redisClusterTestbed } from "../testbeds/redis-cluster.js";
import { BackgroundWriters } from "./background-writers.js";
import type { Campaign, CampaignContext, CampaignResult } from "./campaign.js";
import { observeAll } from "./observe.js";

const keys = Array.from({ length: 120 }, (_, index) => `key ${index}`);
const nodeTimeout = 1_500;

export const gracefulFailovers: Campaign = {
  name: "failover-graceful",
  what: "Cluster failover mid-batch, graceful",
  mustBe: "0 lost",
  backends: ["redis-cluster"],
  runs: { ci: 5, long: 100 },
  run: (context) => runFailovers(context, askReplica, () => false),
};

/**
 * Kinds of anomalies that writes lost in a hard failover can cause. If a promoted replica has not received a write, no
 * client can prevent the loss of this write. Anomalies of all other kinds are failures.
 */
const lossOfFailover: ReadonlySet<AnomalyKind> = new Set([
  "lost-write",
  "false-applied",
  "false-missing",
  "stale-read",
  "stale-overwrite",
  "impossible-order",
]);

export const hardFailovers: Campaign = {
  name: "failover-hard",
  what: "Cluster failover mid-batch, hard (kill -9 of a master)",
  mustBe: "loss measured and published, no outcome wrong",
  backends: ["redis-cluster"],
  runs: { ci: 5, long: 100 },
  run: (context) => runFailovers(context, killMaster, ({ kind }) => lossOfFailover.has(kind)),
};

type Failover = (testbed: ClusterTestbed, control: ClusterControl, random: Random) => Promise<void>;

async function runFailovers(
  context: CampaignContext,
  failOver: Failover,
  excused: (anomaly: Anomaly) => boolean,
): Promise<CampaignResult> {
  await using testbed = await redisClusterTestbed({}, nodeTimeout);
  const control = new ClusterControl(testbed.servers);
  const writers = new BackgroundWriters(testbed, 3);
  const failures: string[] = [];
  let lostKeys = 0;
  let acknowledged = 0;
  for (let run = 0; run < context.runs; run++) {
    const seed = context.seed + run;
    const random = new Random(seed);
    const history = new History();
    const bucket = `failover-${run}`;
    await writers.start(history, bucket, random, { keys, timeout: 30_000, fenced: true });
    await new Promise((resolve) => setTimeout(resolve, random.integer(50, 300)));
    await failOver(testbed, control, random);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await writers.stop();
    await observeAll(testbed, history, bucket, keys);
    const { anomalies } = checkHistory(history);
    const wrong = anomalies.filter((anomaly) => !excused(anomaly));
    for (const text of describeAnomalies(wrong)) failures.push(`seed ${seed}: ${text}`);
    lostKeys += new Set(anomalies.filter(excused).map(({ key }) => key)).size;
    acknowledged += history.writes.filter(({ outcome }) => outcome === "applied").length;
  }
  await writers.close();
  control.close();
  const { calls, rejected } = writers;
  return {
    measured: `${failures.length} wrong, ${lostKeys} keys lost by the engine, ${acknowledged} writes acknowledged`,
    figures: { calls, rejected: rejected.length, lostKeys, acknowledged, wrong: failures.length },
    failures,
  };
}

/** Makes a random replica catch up and replace its master. https://redis.io/docs/latest/commands/cluster-failover/ */
async function askReplica(testbed: ClusterTestbed, control: ClusterControl, random: Random): Promise<void> {
  const [viewer] = testbed.servers;
  const replica = random.pick(
    (await control.nodes(viewer as NodeView["address"])).filter(({ role }) => role === "replica"),
  );
  const promoted = (nodes: readonly NodeView[]): boolean => nodes.some((node) => node.id === replica.id && node.serves);
  // Under load, a replica may need more than the 5 seconds that Redis allows. In this case, send the command again.
  do await control.at(replica.address).call("CLUSTER", "FAILOVER");
  while (!(await control.within(6_000, testbed.servers, promoted)));
  await inStep(control);
}

/** Kills a random master, waits until its replica has taken over, and restarts the master, which becomes a replica. */
async function killMaster(testbed: ClusterTestbed, control: ClusterControl, random: Random): Promise<void> {
  const [viewer] = testbed.servers;
  const master = random.pick((await control.nodes(viewer as NodeView["address"])).filter(({ serves }) => serves));
  const node = testbed.service.nodes.find(({ port }) => port === master.address.port);
  const others = testbed.servers.filter(({ port }) => port !== master.address.port);
  await node?.kill();
  const othersServe = (nodes: readonly NodeView[]): boolean =>
    nodes.filter(({ id, serves, failed }) => id !== master.id && serves && !failed).length === 3;
  await control.until(others, othersServe);
  await node?.restart();
  await control.until(testbed.servers, (nodes) => nodes.every(({ failed }) => !failed));
  await control.until(testbed.servers, (nodes) => nodes.some(({ id, role }) => id === master.id && role === "replica"));
  await inStep(control);
}

async function inStep(control: ClusterControl): Promise<void> {
  while (!(await control.replicasInStep())) await new Promise((resolve) => setTimeout(resolve, 30));
}
