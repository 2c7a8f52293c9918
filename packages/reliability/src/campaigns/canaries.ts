import { dynamodbProvocations } from "../canaries/dynamodb.js";
import { postgresProvocations } from "../canaries/postgres.js";
import type { Provocation } from "../canaries/provocation.js";
import { provoke } from "../canaries/provoke.js";
import { redisProvocations } from "../canaries/redis.js";
import type { BackendName } from "../testbeds/testbed.js";
import { backendOf, type Campaign } from "./campaign.js";

type Source = () => Promise<{ readonly provocations: readonly Provocation[]; close(): Promise<void> }>;

const sources: Partial<Readonly<Record<BackendName, Source>>> = {
  redis: redisProvocations,
  postgres: postgresProvocations,
  dynamodb: dynamodbProvocations,
};

export const canaries: Campaign = {
  name: "canaries",
  what: "secrets and values as canaries in every error path (runs are repetitions)",
  mustBe: "0 leaks",
  backends: ["redis", "postgres", "dynamodb"],
  runs: { ci: 1, long: 1 },
  async run(context) {
    const source = sources[backendOf(context)];
    if (source === undefined) throw new TypeError("canaries: this backend has no provocations: add them to `sources`");
    const { provocations, close } = await source();
    const failures: string[] = [];
    const codes = new Set<string>();
    let errors = 0;
    let leaks = 0;
    for (let run = 0; run < context.runs; run++) {
      for (const provocation of provocations) {
        const result = await provoke(provocation);
        errors += result.errors;
        leaks += result.leaks.length;
        for (const code of result.codes) codes.add(code);
        for (const leak of new Set(result.leaks)) failures.push(`${provocation.name}: ${leak}`);
        if (result.errors === 0) failures.push(`${provocation.name}: at least one call must fail, but none did`);
      }
    }
    await close();
    return {
      measured: `${leaks} leaks in ${errors} errors of ${provocations.length} situations`,
      figures: { situations: provocations.length, errors, leaks, codes: [...codes].sort().join(" ") },
      failures,
    };
  },
};
