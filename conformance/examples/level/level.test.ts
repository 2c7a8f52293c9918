import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conformanceSuite } from "@manykv/conformance";
import { ClassicLevel } from "classic-level";
import { afterAll, describe, test } from "vitest";
import { LevelDriver } from "./level-driver.js";

const directory = await mkdtemp(join(tmpdir(), "level-"));
const database = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: "view", valueEncoding: "view" });
await database.open();

afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true });
});

conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "level",
    driver: () => new LevelDriver(database),
    engineFailures: [
      {
        what: "is closed",
        operations: ["get", "exists", "set", "delete", "list", "listBuckets"],
        scope: "request",
        expected: { code: "unavailable", retryable: true, effect: "none", reason: "LEVEL_DATABASE_NOT_OPEN" },
        open: () => ({
          driver: new LevelDriver(database),
          start: () => database.close(),
          stop: () => database.open(),
        }),
      },
    ],
  },
);
