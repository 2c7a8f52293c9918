import type { BackendName } from "../backends/backend.js";
import { OPERATIONS, type Operation } from "../measure/contender.js";
import type { RaceBar } from "./acceptance.js";

/** How much of another's time the library may take: the median of the ratios of one interleaved run. */
export const bars: readonly RaceBar[] = [
  bar("redis", "set", "ioredis", 0.45),
  bar("redis", "set", "raw socket", 2.2),
  bar("redis", "get", "ioredis", 1.15),
  bar("redis", "delete", "ioredis", 1.25),
  bar("redis", "set", "@keyv/redis", 0.2),
  bar("redis", "get", "@keyv/redis", 0.35),
  bar("redis", "delete", "@keyv/redis", 0.4),
  bar("redis-cluster", "set", "ioredis, key by key", 0.15),
  bar("redis-cluster", "get", "ioredis, key by key", 0.15),
  bar("postgres", "set", "pg", 0.75),
  bar("postgres", "set", "pg", 0.45, { keys: 100, bytes: 1_024 }),
  bar("postgres", "get", "pg", 1),
  bar("postgres", "get", "the server's own time", 1.5),
  bar("postgres", "get", "pg", 1, { keys: 100, bytes: 1_024 }),
  bar("postgres", "get", "the server's own time", 1.5, { keys: 100, bytes: 1_024 }),
  bar("postgres", "get", "pg", 0.8, { keys: 10_000 }),
  bar("postgres", "set", "@keyv/postgres", 0.6),
  bar("postgres", "get", "@keyv/postgres", 0.7),
  bar("postgres", "delete", "@keyv/postgres", 0.8),
  ...OPERATIONS.map((operation) => bar("dynamodb", operation, "SDK, one at a time", 0.45)),
  ...OPERATIONS.map((operation) => bar("dynamodb", operation, "SDK, 16 at a time", 1.1)),
  bar("dynamodb", "set", "@keyv/dynamo", 0.2),
  bar("memory", "set", "Map", 1.5),
  bar("memory", "get", "Map", 1.5),
  ...(["redis", "postgres", "dynamodb"] as const).map((backend) =>
    bar(backend, "get", "manykv, key by key", 0.5, { track: "distance" }),
  ),
  ...OPERATIONS.map((operation) =>
    bar("redis", operation, "driver called directly", 1.1, { track: "core", keys: 1 }),
  ),
];

function bar(
  backend: BackendName,
  operation: Operation,
  against: string,
  most: number,
  shape: Partial<RaceBar> = {},
): RaceBar {
  return { backend, track: "batch", keys: 1_000, bytes: 100, operation, against, most, ...shape };
}
