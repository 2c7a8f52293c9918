import { checkHistory, History } from "@manykv/conformance/checker";
import { Random } from "@manykv/conformance/faults";
import { describeAnomalies } from "../report/describe-anomalies.js";
import { openTestbed } from "../testbeds/open-testbed.js";
import { serverNames } from "../testbeds/testbed.js";
import { BackgroundWriters } from "./background-writers.js";
import { backendOf, type Campaign } from "./campaign.js";
import { observeAll } from "./observe.js";

const keys = Array.from({ length: 60 }, (_, index) => `key ${index}`);

export const serverKills: Campaign = {
  name: "kill",
  what: "kill -9 of the server mid-batch (durable settings)",
  mustBe: "0 acknowledged writes lost",
  backends: serverNames,
  runs: { ci: 20, long: 200 },
  async run(context) {
    await using testbed = await openTestbed(backendOf(context), { durable: true });
    const writers = new BackgroundWriters(testbed, 3);
    const failures: string[] = [];
    let acknowledged = 0;
    let unknown = 0;
    for (let run = 0; run < context.runs; run++) {
      const seed = context.seed + run;
      const random = new Random(seed);
      const history = new History();
      const bucket = `kill-${run}`;
      // `fenced`: after a kill, a lost write can no longer take effect.
      await writers.start(history, bucket, random, { keys, timeout: 20_000, fenced: true });
      await new Promise((resolve) => setTimeout(resolve, random.integer(20, 250)));
      await testbed.kill();
      await testbed.restart();
      await writers.stop();
      await observeAll(testbed, history, bucket, keys);
      const { anomalies } = checkHistory(history);
      for (const text of describeAnomalies(anomalies)) failures.push(`seed ${seed}: ${text}`);
      acknowledged += history.writes.filter(({ outcome }) => outcome === "applied").length;
      unknown += history.writes.filter(({ outcome }) => outcome === "unknown").length;
    }
    await writers.close();
    const { calls, rejected } = writers;
    return {
      measured: `${failures.length} lost or false of ${acknowledged} acknowledged keys, ${unknown} unknown`,
      figures: { kills: context.runs, calls, rejected: rejected.length, acknowledged, unknown },
      failures,
    };
  },
};
