import { serviceUrl } from "@manykv/test-services/vitest";
import { afterAll } from "vitest";
import { KeyvDriver, openKeyvPostgres, openKeyvRedis } from "../../dist/adapters/keyv.js";
import { testAdapter } from "./adapter-suite.js";

const redis = openKeyvRedis(serviceUrl("redis"));
const postgres = openKeyvPostgres(serviceUrl("postgres"));
afterAll(async () => {
  await redis.disconnect();
  await postgres.disconnect();
});

testAdapter({ name: "@keyv/redis", file: "keyv.ts", driver: () => new KeyvDriver(redis), faults: [] });

testAdapter({
  name: "@keyv/postgres",
  file: "keyv.ts",
  driver: () => new KeyvDriver(postgres),
  target: serviceUrl("postgres"),
  faults: [
    {
      proof: "keyv-postgres-refuses-nul",
      report: /invalid byte sequence for encoding "UTF8": 0x00/,
      cases: [
        "s01-nul-character",
        "s01-every-plane",
        "s07-model",
        "s07-model-under-faults",
        "s13-keys-that-spell-a-bucket",
        "s14-every-key",
        "s14-keys-iterates-all",
        "s14-special-keys",
        "s14-changes-while-listing",
        "s14-cursor-of-another-client",
        "s14-cursor-of-another-bucket",
        "s14-prefix-nul-characters",
        "s14-prefix-other-buckets",
        "s14-clear",
      ],
    },
  ],
});
