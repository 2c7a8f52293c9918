import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterAll } from "vitest";
import { openUnstorageFs, openUnstorageRedis, UnstorageDriver } from "../../dist/adapters/unstorage.js";
import { type Fault, testAdapter } from "./adapter-suite.js";

const folder = await mkdtemp(join(tmpdir(), "unstorage-"));
const redis = openUnstorageRedis(serviceUrl("redis"));
const fs = openUnstorageFs(join(folder, "suite"));
afterAll(async () => {
  await redis.dispose();
  await fs.dispose();
  await rm(folder, { recursive: true });
});

const refusesKeys: Fault = {
  proof: "unstorage-refuses-keys",
  report: /\[unstorage\] Invalid key: /,
  cases: [
    "s01-empty-key",
    "s01-white-space",
    "s01-special-to-engines",
    "s01-every-plane",
    "s04-get-map",
    "s07-model",
    "s07-model-under-faults",
    "s13-good-names",
    "s14-special-keys",
    "s14-prefix-plain",
    "s14-prefix-pattern-characters",
    "s14-prefix-nul-characters",
    "s14-prefix-other-buckets",
    "s14-clear",
    "s14-clear-prefix",
    "s15-lowered-to-nothing",
  ],
};

testAdapter({
  name: "unstorage redis",
  file: "unstorage.ts",
  driver: () => new UnstorageDriver(redis),
  faults: [
    refusesKeys,
    {
      proof: "unstorage-merges-keys",
      report: /the values must be equal/,
      cases: ["s13-keys-that-spell-a-bucket"],
    },
  ],
});

testAdapter({
  name: "unstorage fs",
  file: "unstorage.ts",
  driver: () => new UnstorageDriver(fs),
  target: join(folder, "proofs"),
  faults: [
    refusesKeys,
    {
      proof: "unstorage-fs-refuses-nul",
      report: /must be a string, Uint8Array, or URL without null bytes/,
      cases: [
        "s01-nul-character",
        "s13-keys-that-spell-a-bucket",
        "s14-every-key",
        "s14-keys-iterates-all",
        "s14-changes-while-listing",
        "s14-cursor-of-another-client",
        "s14-cursor-of-another-bucket",
      ],
    },
    {
      proof: "unstorage-fs-refuses-long-keys",
      report: /ENAMETOOLONG/,
      cases: [
        "s01-longest-key-of-1-byte-characters",
        "s01-longest-key-of-2-byte-characters",
        "s01-longest-key-of-3-byte-characters",
        "s01-longest-key-of-4-byte-characters",
        "s01-long-keys-differ-at-the-end",
        "s14-prefix-longest",
        "s14-prefix-many-pages",
        "s14-prefix-while-writing",
      ],
    },
    {
      proof: "unstorage-fs-refuses-dots",
      report: /It should not contain \.\. segments/,
      cases: ["s13-names-that-begin-alike", "s14-only-this-bucket"],
    },
    {
      proof: "unstorage-fs-tears-values",
      report: /a value that was read during the writes|a read must return a whole value/,
      cases: [],
      sometimes: ["s08-values-are-never-torn"],
    },
  ],
});
