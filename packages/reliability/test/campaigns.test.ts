import { describe, expect, test } from "vitest";
import { campaigns } from "../src/campaigns/index.js";
import { runCampaign } from "../src/run-campaign.js";
import { type BackendName, backendNames } from "../src/testbeds/testbed.js";

/**
 * Number of runs of each campaign in this file. The file omits slow campaigns, and `simulation`, which has its own test
 * file. `npx -y pnpm@12 campaign` runs all campaigns.
 */
const samples: Readonly<Record<string, number>> = {
  network: 12,
  "one-connection": 6,
  kill: 1,
  "failover-graceful": 1,
  migration: 1,
  capacity: 10,
  writers: 40,
  sessions: 4,
  zombie: 6,
  updates: 10,
  expiry: 1,
  contention: 20,
  malformed: 40,
};

/** Campaigns that this file does not run on Redis Cluster, which starts slowly and behaves like one server in them. */
const withoutCluster: ReadonlySet<string> = new Set([
  "one-connection",
  "kill",
  "zombie",
  "updates",
  "expiry",
  "contention",
]);

const seed = Math.floor(Math.random() * 2 ** 31);

describe.each(Object.entries(samples))("campaign %s", (name, runs) => {
  const campaign = campaigns.find((each) => each.name === name);
  const all: readonly BackendName[] = campaign?.backends ?? [];
  const backends = withoutCluster.has(name) ? all.filter((backend) => backend !== "redis-cluster") : all;

  test("exists, and its backends are known", () => {
    expect(campaign).toBeDefined();
    expect(backends.every((backend) => backendNames.includes(backend))).toBe(true);
  });

  test.concurrent.each(backends)("passes on %s", async (backend) => {
    if (campaign === undefined) throw new TypeError(`the campaign ${name} does not exist: add it to \`campaigns\``);
    const row = await runCampaign(campaign, runs, seed, backend);
    expect(
      row.failures,
      `to repeat the runs: npx -y pnpm@12 campaign --only ${name} --backend ${backend} --size ${runs} --seed ${seed}`,
    ).toEqual([]);
    expect(row.runs).toBe(runs);
  });
});
