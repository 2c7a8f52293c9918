import type { Address, KnownDescription, KnownServer, Variant } from "@manykv/conformance";
import type { Driver } from "@manykv/core/driver";
import {
  answering,
  closing,
  hangingUpAt,
  info,
  killByAnyFilter,
  type Manner,
  manners,
  oneKillFilter,
  RespProxy,
  together,
  without,
} from "@manykv/test-services";
import { redisDriver } from "../../src/index.js";
import { redis84, withoutMsetex } from "./msetex.js";
import { startProxiedCluster } from "./proxied-cluster.js";
import { throughSentinels } from "./settings.js";

/** Lines of `INFO` of a server that keeps its data. */
const durable = {
  aof_enabled: "1",
  aof_last_write_status: "ok",
  rdb_last_bgsave_status: "ok",
  maxmemory: "0",
  maxmemory_policy: "noeviction",
};
const redis = { ...durable, redis_version: "7.0.1" };
const limited = { maxmemory: "52428800" };

/** What a server reports about itself: lines of `INFO` and settings. `undefined` means that it does not report one. */
interface Report {
  readonly info?: Readonly<Record<string, string | undefined>>;
  readonly config?: Readonly<Record<string, string | undefined>>;
}

/** The manner of a Redis server that keeps its data, except for what `report` changes. */
function reporting(report: Report = {}): Manner {
  const settings = { save: "", appendfsync: "always", ...report.config };
  const config: Manner = ([command, , name = ""]) => {
    if (command !== "CONFIG") return undefined;
    const value = settings[name as keyof typeof settings];
    return value === undefined ? "*0\r\n" : `*2\r\n$${name.length}\r\n${name}\r\n$${value.length}\r\n${value}\r\n`;
  };
  return together(config, info({ ...redis, ...report.info }));
}

const settles = { settlesLostWrites: true };
const cannotSettle = { settlesLostWrites: false };
const plain = { product: "redis", version: "7.0.1", topology: "single", abilities: settles, findings: {} } as const;
/** What is known about a proxy that refuses the commands with which a store asks about its server. */
const opaque = { product: undefined, version: undefined, topology: undefined, abilities: cannotSettle } as const;
const opaqueFindings = {
  "cannot-settle": "warning",
  "no-run-id": "note",
  "role-unknown": "note",
  "settings-unknown": "note",
} as const;

type Row = readonly [what: string, manner: Manner, differs: KnownDescription];

function product(name: string, version: string, lines: NonNullable<Report["info"]>): Row {
  return [name, reporting({ info: lines }), { product: name, version }];
}

/** Servers, and what describe() reports about them that differs from {@link plain}. */
const rows: readonly Row[] = [
  ["a server that keeps its data", reporting(), {}],
  [
    "a server that evicts keys",
    reporting({ info: { ...limited, maxmemory_policy: "allkeys-lru" } }),
    { findings: { "evicts-keys": "data-loss" } },
  ],
  [
    "a server that evicts keys with a ttl",
    reporting({ info: { ...limited, maxmemory_policy: "volatile-ttl" } }),
    { findings: { "evicts-keys": "warning" } },
  ],
  [
    "a server that would evict keys if its memory were limited",
    reporting({ info: { maxmemory_policy: "allkeys-lfu" } }),
    { findings: { "evicts-keys": "note" } },
  ],
  ["a server with limited memory that evicts nothing", reporting({ info: limited }), {}],
  [
    "a server without persistence",
    reporting({ info: { aof_enabled: "0" } }),
    { findings: { "no-persistence": "data-loss" } },
  ],
  [
    "a server with snapshots only",
    reporting({ info: { aof_enabled: "0" }, config: { save: "3600 1", appendfsync: "no" } }),
    { findings: { "snapshots-only": "warning" } },
  ],
  [
    "a server with snapshots only, whose last snapshot failed",
    reporting({ info: { aof_enabled: "0", rdb_last_bgsave_status: "err" }, config: { save: "3600 1" } }),
    { findings: { "persistence-fails": "data-loss" } },
  ],
  [
    "a server whose last write to the append-only file failed",
    reporting({ info: { aof_last_write_status: "err" } }),
    { findings: { "persistence-fails": "data-loss" } },
  ],
  [
    "a server with an append-only file, whose last snapshot failed",
    reporting({ info: { rdb_last_bgsave_status: "err" } }),
    {},
  ],
  [
    "a server that syncs its file every second",
    reporting({ config: { appendfsync: "everysec" } }),
    { findings: { "delayed-fsync": "note" } },
  ],
  [
    "a server that leaves the syncing of its file to the system",
    reporting({ config: { appendfsync: "no" } }),
    { findings: { "delayed-fsync": "warning" } },
  ],
  [
    "a server that does not report appendfsync",
    reporting({ config: { appendfsync: undefined } }),
    { findings: { "settings-unknown": "note" } },
  ],
  [
    "a server without an append-only file that does not report save",
    reporting({ info: { aof_enabled: "0" }, config: { save: undefined } }),
    { findings: { "settings-unknown": "note" } },
  ],
  ["a server with an append-only file that does not report save", reporting({ config: { save: undefined } }), {}],
  [
    "a server that does not report its eviction",
    reporting({ info: { maxmemory_policy: undefined } }),
    { findings: { "settings-unknown": "note" } },
  ],
  [
    "a server that does not report its persistence",
    reporting({ info: { aof_enabled: undefined } }),
    { findings: { "settings-unknown": "note" } },
  ],
  ["a server without a run id", reporting({ info: { run_id: undefined } }), { findings: { "no-run-id": "note" } }],
  [
    "a server without a run id that does not report addresses",
    together(
      answering(`$${"id=7 db=0".length}\r\nid=7 db=0\r\n`, "CLIENT INFO"),
      reporting({ info: { run_id: undefined } }),
    ),
    { abilities: cannotSettle, findings: { "no-run-id": "note", "cannot-settle": "warning" } },
  ],
  [
    "a replica",
    together(answering("*1\r\n$5\r\nslave\r\n", "ROLE"), reporting({ info: { aof_enabled: "0" } })),
    { findings: { replica: "warning" } },
  ],
  ["a leader", together(answering("*1\r\n$6\r\nLEADER\r\n", "ROLE"), reporting()), {}],
  ["a primary", together(answering("+primary\r\n", "ROLE"), reporting()), {}],
  ["a follower", together(answering("+follower\r\n", "ROLE"), reporting()), { findings: { replica: "warning" } }],
  ["a secondary", together(answering("+secondary\r\n", "ROLE"), reporting()), { findings: { replica: "warning" } }],
  [
    "a server with an unknown role",
    together(answering("+solitary\r\n", "ROLE"), reporting()),
    { findings: { "role-unknown": "note" } },
  ],
  ["a server with an unknown mode", reporting({ info: { redis_mode: "solo" } }), { topology: undefined }],
  [
    "a server that refuses CLIENT KILL",
    together(without("CLIENT KILL"), reporting()),
    { abilities: cannotSettle, findings: { "cannot-settle": "warning" } },
  ],
  [
    "a server that knows no such client",
    together(answering("-ERR No such client\r\n", "CLIENT KILL"), reporting()),
    {},
  ],
  ["a server that accepts one filter of CLIENT KILL", together(oneKillFilter, reporting()), {}],
  [
    "a server that reports no connection id",
    together(without("CLIENT INFO", "CLIENT ID"), reporting()),
    { abilities: cannotSettle, findings: { "cannot-settle": "warning" } },
  ],
  ["a server without CLIENT INFO", together(without("CLIENT INFO"), reporting()), {}],
  [
    "a proxy that hangs up at CLIENT KILL",
    together(hangingUpAt("CLIENT KILL"), reporting()),
    { abilities: cannotSettle, findings: { "cannot-settle": "warning", "hangs-up": "note" } },
  ],
  product("valkey", "8.1.0", {
    redis_mode: undefined,
    server_mode: "standalone",
    server_name: "valkey",
    valkey_version: "8.1.0",
  }),
  product("garnet", "1.0.5", { garnet_version: "1.0.5" }),
  [
    "Dragonfly",
    together(oneKillFilter, reporting({ info: { run_id: undefined, dragonfly_version: "df-v1.30.0" } })),
    { product: "dragonfly", version: "1.30.0", findings: { "no-run-id": "note" } },
  ],
  [
    "Kvrocks",
    together(killByAnyFilter, reporting({ info: { run_id: undefined, kvrocks_version: "2.12.0" } })),
    { product: "kvrocks", version: "2.12.0", findings: { "no-run-id": "note" } },
  ],
  [
    "an active replica of KeyDB",
    together(
      answering("*1\r\n$14\r\nactive-replica\r\n", "ROLE"),
      reporting({ info: { redis_version: "6.3.4", executable: "/usr/bin/keydb-server" } }),
    ),
    { product: "keydb", version: "6.3.4", findings: { "active-replica": "warning" } },
  ],
  [
    "Redis Enterprise",
    reporting({ info: { rlec_version: "7.4.2-54" } }),
    {
      product: "redis-enterprise",
      version: "7.4.2-54",
      abilities: cannotSettle,
      findings: { "cannot-settle": "warning", "one-shard": "note" },
    },
  ],
  ["Upstash", manners.upstash, { ...opaque, findings: opaqueFindings }],
  ["Envoy", manners.envoy, { ...opaque, findings: opaqueFindings }],
  ["twemproxy", manners.twemproxy, { ...opaque, findings: { ...opaqueFindings, "hangs-up": "note" } }],
];

/** Returns a client of a proxy with this manner in front of a server. Closing the client stops the proxy. */
async function through(server: Address, manner: Manner): Promise<Driver> {
  const proxy = await RespProxy.start(server, manner);
  return closing(redisDriver({ url: proxy.url }), () => proxy[Symbol.asyncDispose]());
}

/** Servers and proxies with other reports than those of the server behind them. */
export function knownServers(server: Address): readonly KnownServer[] {
  const known = rows.map(([what, manner, differs]): KnownServer => {
    return { what, driver: () => through(server, manner), description: { ...plain, ...differs } };
  });
  const sentinel: KnownServer = {
    what: "a server that a sentinel knows",
    driver: () => throughSentinels(server, "main"),
    description: { product: "redis", topology: "sentinel", abilities: settles },
  };
  return [...known, sentinel];
}

/** Clients of proxies that behave as other products do, and that store the data of the server behind them. */
export function productVariants(server: Address): readonly Variant[] {
  const { envoy: _, twemproxy: __, ...listing } = manners; // These two have no SCAN.
  const versions = Object.entries(withoutMsetex).map(([name, lines]): [string, Manner] => [name, info(lines)]);
  return [...Object.entries(listing), ...versions, ["Redis 8.4", redis84] as const].map(([name, manner]) => {
    return { what: `a server like ${name}`, driver: () => through(server, manner) };
  });
}

/** Clusters whose nodes report different things. */
export function knownClusters(nodes: readonly Address[]): readonly KnownServer[] {
  const cluster = (what: string, reports: readonly Report[], differs: KnownDescription): KnownServer => {
    const mannerOf = (index: number): Manner => {
      const report = reports[index % reports.length] as Report;
      return reporting({ ...report, info: { redis_mode: "cluster", ...report.info } });
    };
    return {
      what,
      driver: () => throughAll(nodes, mannerOf),
      description: { ...plain, topology: "cluster", ...differs },
    };
  };
  const lru = { maxmemory_policy: "allkeys-lru" };
  return [
    cluster("a cluster that keeps its data", [{}], {}),
    cluster(
      "a cluster of which some nodes evict keys",
      [{ info: lru }, { info: { ...lru, ...limited } }, { info: lru }],
      {
        findings: { "evicts-keys": "data-loss" },
      },
    ),
    cluster("a cluster of which all nodes have the same finding", [{ config: { appendfsync: "everysec" } }], {
      findings: { "delayed-fsync": "note" },
    }),
    cluster("a cluster that does not report versions", [{ info: { redis_version: undefined } }], {
      product: undefined,
      version: undefined,
    }),
  ];
}

async function throughAll(nodes: readonly Address[], mannerOf: (index: number) => Manner): Promise<Driver> {
  const cluster = await startProxiedCluster(nodes, mannerOf);
  return closing(redisDriver({ client: cluster.client }), () => cluster[Symbol.asyncDispose]());
}
