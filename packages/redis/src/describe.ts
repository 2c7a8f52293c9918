import type { DriverDescription, DriverRequest } from "@manykv/core/driver";
import { slotCount } from "./cluster/key-slot.js";
import type { Identity } from "./connection/identity.js";
import type { NodeConnection, NodeOptions } from "./connection/node-connection.js";
import { encodeCommand } from "./protocol/encode-command.js";
import { type Reply, textOf } from "./protocol/reply.js";

type Finding = NonNullable<DriverDescription["findings"]>[number];

const readSettings = Buffer.concat([
  encodeCommand("INFO"),
  encodeCommand("CONFIG", "GET", "save"),
  encodeCommand("CONFIG", "GET", "appendfsync"),
]);

interface DescribeOptions {
  readonly topology?: "sentinel" | "cluster";
  /** Throws a {@link FaultError} if the server must not be described. Default: the check of the node. */
  readonly check?: NodeOptions["check"];
}

/** Reports what is known about one server. Reads its settings over a separate connection, which a proxy may close. */
export async function describeNode(
  node: NodeConnection,
  request: DriverRequest,
  { topology, check }: DescribeOptions,
): Promise<DriverDescription> {
  const { identity, replies } = await node.ask(readSettings, 3, request, check);
  const [info, save, appendfsync] = replies;
  const cannotSettle = node.cannotSettle ?? identity.cannotSettle;
  const settings = { info: textOf(info) ?? "", save: settingOf(save), appendfsync: settingOf(appendfsync) };
  return {
    product: identity.product,
    version: identity.version,
    topology: topology ?? (identity.mode === undefined ? undefined : "single"),
    settlesLostWrites: cannotSettle === undefined,
    findings: [
      ...findingsOfIdentity(identity, cannotSettle),
      // What a replica keeps does not matter, because the store does not use it.
      ...(identity.role === "replica" ? [] : findingsOfSettings(settings)),
    ],
  };
}

/** Returns the value in a reply to `CONFIG GET`, or `undefined` if the server refuses it. */
function settingOf(reply: Reply | undefined): string | undefined {
  return Array.isArray(reply) ? textOf(reply[1]) : undefined;
}

const severities: readonly Finding["severity"][] = ["note", "warning", "data-loss"];

/**
 * Combines the descriptions of the masters of a cluster. Lists each finding once, with the highest severity.
 *
 * @param unowned - the number of slots that no master serves
 */
export function combine(descriptions: readonly DriverDescription[], unowned: number): DriverDescription {
  const findings = descriptions
    .flatMap((each) => each.findings ?? [])
    .sort((left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity));
  if (unowned > 0) findings.push(uncoveredSlots(unowned));
  return {
    product: listOf(descriptions.map(({ product }) => product)),
    version: listOf(descriptions.map(({ version }) => version)),
    topology: "cluster",
    settlesLostWrites: descriptions.every(({ settlesLostWrites }) => settlesLostWrites),
    findings: [...new Map(findings.map((finding) => [finding.code, finding])).values()],
  };
}

function uncoveredSlots(count: number): Finding {
  const message =
    `No master serves ${count.toLocaleString("en-US")} of the ${slotCount.toLocaleString("en-US")} slots, so calls for ` +
    "their keys fail: start the missing masters, or run redis-cli --cluster fix.";
  return { code: "uncovered-slots", severity: "warning", message };
}

/** Returns the different texts, such as `7.0.15, 7.2.4` while a cluster is upgraded. */
function listOf(texts: readonly (string | undefined)[]): string | undefined {
  const different = new Set(texts.filter((text) => text !== undefined));
  return different.size === 0 ? undefined : [...different].join(", ");
}

function findingsOfIdentity(identity: Identity, cannotSettle: string | undefined): Finding[] {
  const { product, role, runId, refused } = identity;
  const findings: Finding[] = [];
  const found = (code: string, severity: Finding["severity"], message: string): void =>
    void findings.push({ code, severity, message });
  if (cannotSettle !== undefined)
    found(
      "cannot-settle",
      "warning",
      `Lost writes cannot be settled: ${cannotSettle}. Such a write may take effect later, after newer writes.`,
    );
  if (refused.length > 0)
    found(
      "hangs-up",
      "note",
      `The server or a proxy closes the connection at ${refused.join(", ")}: connect without a proxy.`,
    );
  if (runId === undefined)
    found(
      "no-run-id",
      "note",
      "The server reports no run id, so every new connection may lead to a restarted server: a listing starts over, " +
        "and a write that spans two connections is partly `unknown`. Permit INFO in the ACL.",
    );
  if (role === undefined)
    found(
      "role-unknown",
      "note",
      "The server does not report whether it is a master: make sure that it is no replica.",
    );
  if (role === "replica")
    found(
      "replica",
      "warning",
      "The server is a replica, which refuses writes and may lack recent ones, so all calls fail: connect to its master, " +
        "or use redis+sentinel:// or redis+cluster:// to find it.",
    );
  if (role === "active-replica")
    found("active-replica", "warning", "Another master may overwrite what this one has acknowledged: use one master.");
  if (product === "redis-enterprise")
    found(
      "one-shard",
      "note",
      "Names start with `{}`, and by its default rules Redis Enterprise keeps such names on one shard: see Names in the " +
        "README of @manykv/redis.",
    );
  return findings;
}

interface Settings {
  /** The reply to `INFO`. Empty if the server refuses it. */
  readonly info: string;
  readonly save: string | undefined;
  readonly appendfsync: string | undefined;
}

function findingsOfSettings(settings: Settings): Finding[] {
  const findings = [
    findEviction(settings),
    findPersistence(settings),
    findDelayedFsync(settings),
    findUnknown(settings),
  ];
  return findings.filter((finding) => finding !== undefined);
}

/** Returns the value of a field of `INFO`. */
function fieldOf({ info }: Settings, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S*)`, "m").exec(info)?.[1];
}

function findEviction(settings: Settings): Finding | undefined {
  const policy = fieldOf(settings, "maxmemory_policy") ?? "";
  if (policy === "" || policy === "noeviction") return undefined;
  const code = "evicts-keys";
  if (fieldOf(settings, "maxmemory") === "0") {
    const message = `\`maxmemory-policy\` is ${policy}, which deletes nothing while \`maxmemory\` is 0: set it to noeviction before you limit the memory.`;
    return { code, severity: "note", message };
  }
  const [keys, severity] = policy.startsWith("volatile")
    ? (["keys with a `ttl` before their time", "warning"] as const)
    : (["keys", "data-loss"] as const);
  const message = `When memory is full, the server deletes ${keys}, because \`maxmemory-policy\` is ${policy}: set it to noeviction.`;
  return { code, severity, message };
}

function findPersistence(settings: Settings): Finding | undefined {
  const { save } = settings;
  const appends = fieldOf(settings, "aof_enabled");
  if (appends === "0" && save === "") {
    const replicas = Number(fieldOf(settings, "connected_slaves") ?? 0);
    const loss =
      replicas === 0
        ? "a restart loses everything"
        : `if it restarts, it is empty, and its ${replicas === 1 ? "replica copies" : "replicas copy"} the empty data`;
    const message = `The server keeps no data on disk: ${loss}. Set \`appendonly\` to yes.`;
    return { code: "no-persistence", severity: "data-loss", message };
  }
  const [status, what] =
    appends === "0"
      ? ["rdb_last_bgsave_status", "snapshot"]
      : ["aof_last_write_status", "write to the append-only file"];
  if (fieldOf(settings, status) === "err") {
    const message = `The last ${what} failed, so a restart loses the writes since then: check the disk and the server's log.`;
    return { code: "persistence-fails", severity: "data-loss", message };
  }
  if (appends !== "0" || save === undefined) return undefined;
  const message =
    "A crash loses the writes since the last snapshot, because the append-only file is off: set `appendonly` to yes.";
  return { code: "snapshots-only", severity: "warning", message };
}

function findDelayedFsync(settings: Settings): Finding | undefined {
  const { appendfsync } = settings;
  if (fieldOf(settings, "aof_enabled") !== "1" || appendfsync === undefined || appendfsync === "always")
    return undefined;
  const [severity, time, better] =
    appendfsync === "everysec"
      ? (["note", "of the last second or two", "always if this matters"] as const)
      : (["warning", "of the last 30 seconds", "everysec or always"] as const);
  const message = `A crash of the machine may lose the writes ${time}, because \`appendfsync\` is ${appendfsync}: set it to ${better}.`;
  return { code: "delayed-fsync", severity, message };
}

/** Managed services often refuse CONFIG. */
function findUnknown(settings: Settings): Finding | undefined {
  const appends = fieldOf(settings, "aof_enabled");
  const unknown = [
    fieldOf(settings, "maxmemory_policy") === undefined && "maxmemory-policy",
    appends === undefined && "appendonly",
    appends !== "1" && settings.save === undefined && "save",
    appends === "1" && settings.appendfsync === undefined && "appendfsync",
  ].filter((name) => name !== false);
  if (unknown.length === 0) return undefined;
  const listed = unknown.map((name) => `\`${name}\``).join(", ");
  const message = `The server does not report ${listed}: permit INFO and CONFIG GET in the ACL, or read what the service says about lost data.`;
  return { code: "settings-unknown", severity: "note", message };
}
