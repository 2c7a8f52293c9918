import type { Fault, StoreErrorCode } from "@manykv/core";

type Entry = Readonly<Pick<Fault, "retryable" | "effect">> & {
  readonly code: StoreErrorCode;
};

/** The server refused the command before it ran any of it, so a write has not happened. */
const refused = (code: StoreErrorCode, retryable: boolean): Entry => ({ code, retryable, effect: "none" });

/**
 * The first word of a Redis error, and what it means. Redis checks a command before it runs it: permissions, memory,
 * role and slots for all of its keys at once, so that a command of many keys (`MSET`, `DEL`) is refused as a whole.
 * https://github.com/redis/redis/blob/7.0.15/src/server.c (`processCommand`)
 */
const byWord: Readonly<Record<string, Entry>> = {
  // maxmemory is reached and nothing may be evicted. Deletes and expiry make room again.
  OOM: refused("throttled", true),

  // The user's ACL has not this command or this key.
  NOPERM: refused("access-denied", false),
  // The server wants a password and was given none.
  NOAUTH: refused("access-denied", false),
  // Wrong user or password, or the user is off.
  WRONGPASS: refused("access-denied", false),
  // Protected mode refuses clients from other machines.
  DENIED: refused("access-denied", false),

  // A replica, which the master of before becomes in a failover: another takes over.
  READONLY: refused("unavailable", true),
  // The server started and is still reading its data.
  LOADING: refused("unavailable", true),
  // A replica without its master.
  MASTERDOWN: refused("unavailable", true),
  // Slots without a master, or a node that has lost touch with most of the others.
  CLUSTERDOWN: refused("unavailable", true),
  // A script or function holds the server for longer than it should.
  BUSY: refused("unavailable", true),
  // The server cannot save its data and was told to refuse writes in this case.
  MISCONF: refused("unavailable", true),
  // Fewer replicas are in touch than `min-replicas-to-write` asks for.
  NOREPLICAS: refused("unavailable", true),
  // The transaction that the caller's own client has open on the same connection was refused.
  EXECABORT: refused("unavailable", true),

  // The slot is, or goes, elsewhere; what answers this has learnt where to.
  MOVED: refused("unavailable", true),
  ASK: refused("unavailable", true),
  // Some keys of a command have moved and some have not.
  TRYAGAIN: refused("unavailable", true),
  // Keys of several slots in one command: sent to a cluster as if it were one server.
  CROSSSLOT: refused("invalid-argument", false),

  // Another program keeps something else than a string under this name.
  WRONGTYPE: refused("internal", false),
  // HELLO with a protocol that the server does not speak.
  NOPROTO: refused("internal", false),
};

/** What says only `ERR`, known by its text. */
const byText: readonly (readonly [text: RegExp, reason: string, entry: Entry])[] = [
  [/max number of clients/, "maxclients", refused("unavailable", true)],
  [/DB index is out of range|invalid DB index/, "DB index", refused("no-such-store", false)],
  [/SELECT is not allowed in cluster mode/, "SELECT", refused("no-such-store", false)],
  [/cluster support disabled/, "cluster support disabled", refused("invalid-argument", false)],
  [/invalid password|invalid username-password/, "WRONGPASS", refused("access-denied", false)],
  [/without any password configured/, "WRONGPASS", refused("access-denied", false)],
  // The value is over the server's own `proto-max-bulk-len`.
  [/invalid bulk length|exceeds maximum allowed size/, "proto-max-bulk-len", refused("too-large", false)],
  [/unknown command|unknown subcommand|wrong number of arguments/, "ERR", refused("internal", false)],
];

/** Redirections are no caller's business. */
const redirections: ReadonlySet<string> = new Set(["MOVED", "ASK", "TRYAGAIN", "CROSSSLOT"]);

/**
 * An error reply in manykv's terms.
 *
 * A word that is not in the table may come from a proxy in between, which may have passed the command on: `unknown`.
 */
export function faultOfReply(error: Error): Fault {
  const { message } = error;
  const word = /^-?([A-Z]+)(?: |$)/.exec(message)?.[1] ?? "ERR";
  const entry = byWord[word];
  if (entry !== undefined) return { ...entry, reason: redirections.has(word) ? "redirected" : word };
  for (const [text, reason, found] of byText) if (text.test(message)) return { ...found, reason };
  return { code: "internal", retryable: false, effect: "unknown", reason: word };
}

/** Certificates and protocols do not mend themselves. */
const tlsFailure = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO|HOSTNAME_MISMATCH)/;

/** Why no connection could be opened. Nothing was sent over it, so no write has happened. */
export function faultOfConnecting(error: unknown): Fault {
  if (error instanceof Error && error.name === "ReplyError")
    return { ...faultOfReply(error), effect: "none" };
  const message = error instanceof Error ? error.message : "";
  // Said before anything was asked, so ioredis finds no command that it would belong to.
  const unasked = /Last error: (.*)/.exec(message)?.[1];
  if (unasked !== undefined) return { ...faultOfReply(new Error(unasked)), effect: "none" };
  const code = codeOf(error);
  const retryable = code === undefined || !tlsFailure.test(code);
  return { code: "unavailable", retryable, effect: "none", reason: code };
}

/** Node's own code, such as `ECONNREFUSED`. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
