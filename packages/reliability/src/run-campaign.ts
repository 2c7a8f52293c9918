import type { Campaign, CampaignResult, Size } from "./campaigns/campaign.js";
import { mostFailures, type Row } from "./report/row.js";
import type { BackendName } from "./testbeds/testbed.js";

/** Runs one campaign. An uncaught exception or unhandled rejection in this process counts as a failure. */
export async function runCampaign(campaign: Campaign, size: Size, seed: number, backend?: BackendName): Promise<Row> {
  const runs = typeof size === "number" ? size : campaign.runs[size];
  const crashes: string[] = [];
  const note = (error: unknown): void => {
    crashes.push(`unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  };
  process.on("unhandledRejection", note).on("uncaughtException", note);
  const start = performance.now();
  const result = await campaign.run({ backend, runs, seed }).catch(stopped);
  process.off("unhandledRejection", note).off("uncaughtException", note);
  const failures = [...crashes, ...result.failures];
  return {
    name: campaign.name,
    what: campaign.what,
    backend: backend ?? "",
    runs,
    seed,
    mustBe: campaign.mustBe,
    measured: result.measured,
    passed: failures.length === 0,
    limited: result.limited ?? false,
    seconds: (performance.now() - start) / 1000,
    figures: { ...result.figures, crashes: crashes.length },
    failures: failures.slice(0, mostFailures),
  };
}

function stopped(error: unknown): CampaignResult {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { measured: "stopped by an error", figures: {}, failures: [text] };
}
