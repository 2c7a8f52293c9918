import type { DriverDescription, DriverRequest } from "@manykv/core/driver";
import type { Identity } from "./connection/identity.js";
import type { NodeConnection } from "./connection/node-connection.js";
import { encodeCommand } from "./protocol/encode-command.js";
import { textOf } from "./protocol/reply.js";

type Finding = NonNullable<DriverDescription["findings"]>[number];

const readSettings = Buffer.concat([encodeCommand("INFO"), encodeCommand("CONFIG", "GET", "save")]);

/** Reports what is known about one server. Reads its settings over a separate connection, which a proxy may close. */
export async function describeNode(
  node: NodeConnection,
  request: DriverRequest,
  topology: string | undefined,
): Promise<DriverDescription> {
  const { identity } = node.current ?? (await node.connect(request));
  const cannotSettle = node.cannotSettle ?? identity.cannotSettle;
  const [info, save] = identity.refused.length > 0 ? [] : await node.ask(readSettings, 2, request);
  return {
    product: identity.product,
    version: identity.version,
    topology: topology ?? (identity.mode === undefined ? undefined : "single"),
    settlesLostWrites: cannotSettle === undefined,
    findings: [
      ...findingsOfIdentity(identity, cannotSettle),
      ...findingsOfSettings(textOf(info) ?? "", Array.isArray(save) ? textOf(save[1]) : undefined),
    ],
  };
}

/** Combines the descriptions of the masters of a cluster. Lists each finding once. */
export function combine(descriptions: readonly DriverDescription[]): DriverDescription {
  const findings = descriptions.flatMap((each) => each.findings ?? []);
  return {
    product: listOf(descriptions.map(({ product }) => product)),
    version: listOf(descriptions.map(({ version }) => version)),
    topology: "cluster",
    settlesLostWrites: descriptions.every(({ settlesLostWrites }) => settlesLostWrites),
    findings: [...new Map(findings.map((finding) => [finding.code, finding])).values()],
  };
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
      `${cannotSettle}. A write whose response was lost may take effect later, after newer writes`,
    );
  if (refused.length > 0)
    found(
      "hangs-up",
      "note",
      `the server or a proxy closes the connection at ${refused.join(", ")}: connect without a proxy`,
    );
  if (runId === undefined)
    found(
      "no-run-id",
      "note",
      "the server reports no run id, so every new connection may lead to a restarted server: a listing starts over, " +
        "and a write that spans two connections is partly `unknown`. Permit INFO in the ACL",
    );
  if (role === undefined)
    found("role-unknown", "note", "the server does not report whether it is a master: make sure that it is no replica");
  if (role === "active-replica")
    found("active-replica", "warning", "another master may overwrite what this one has acknowledged: use one master");
  if (product === "redis-enterprise")
    found(
      "one-shard",
      "note",
      "names start with `{}`, and by its default rules Redis Enterprise keeps such names on one shard: see Names in the " +
        "README of @manykv/redis",
    );
  return findings;
}

function findingsOfSettings(info: string, save: string | undefined): Finding[] {
  const findings: Finding[] = [];
  const value = (name: string): string | undefined => new RegExp(`^${name}:(\\S*)`, "m").exec(info)?.[1];
  const policy = value("maxmemory_policy");
  if (policy !== undefined && policy !== "noeviction" && policy !== "") {
    const severity = value("maxmemory") === "0" ? "warning" : "data-loss";
    const keys = policy.startsWith("volatile") ? "keys with a `ttl` before their time" : "keys";
    const message = `maxmemory-policy is ${policy}: when memory is full, the server deletes ${keys}. Set it to noeviction`;
    findings.push({ code: "evicts-keys", severity, message });
  }
  if (value("aof_enabled") === "0") {
    if (save === "") {
      const message = "the server keeps no data on disk: a restart loses everything. Set `appendonly yes`";
      findings.push({ code: "no-persistence", severity: "data-loss", message });
    } else {
      const message =
        "the append-only file is off: a crash loses the writes since the last snapshot. Set `appendonly yes`";
      findings.push({ code: "snapshots-only", severity: "warning", message });
    }
  }
  return findings;
}
