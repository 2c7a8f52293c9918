import { StoreError } from "@manykv/core";
import type { Fault } from "@manykv/core/driver";

type Entry = Readonly<Pick<Fault, "code" | "retryable" | "effect">>;

/** The server refused the command before it ran any of it, so the write was not applied. */
const refused = (code: Fault["code"], retryable: boolean): Entry => ({ code, retryable, effect: "none" });

/**
 * The first word of an error reply, and what it means. Redis checks permissions, memory, role and slots for all keys of
 * a command before it runs the command, so it refuses an `MSET` or `DEL` of many keys entirely.
 * https://github.com/redis/redis/blob/7.0.15/src/server.c (`processCommand`)
 */
const byWord: Readonly<Record<string, Entry>> = {
  // `maxmemory` is reached and no key may be evicted. Deletes and expiry free memory.
  OOM: refused("throttled", true),

  // The user's ACL does not permit this command or key.
  NOPERM: refused("access-denied", false),
  // The server requires a password and received none.
  NOAUTH: refused("access-denied", false),
  // The user or password is wrong, or the user is disabled.
  WRONGPASS: refused("access-denied", false),
  // Protected mode refuses clients on other machines.
  DENIED: refused("access-denied", false),

  // The server is a replica. After a failover, another server is the master.
  READONLY: refused("unavailable", true),
  // The server has started and is still loading its data.
  LOADING: refused("unavailable", true),
  // A replica lost its master.
  MASTERDOWN: refused("unavailable", true),
  // Some slots have no master, or the node cannot reach most of the others.
  CLUSTERDOWN: refused("unavailable", true),
  // A script or function runs for too long.
  BUSY: refused("unavailable", true),
  // The server cannot save its data and is configured to refuse writes in this case.
  MISCONF: refused("unavailable", true),
  // Fewer replicas are connected than `min-replicas-to-write` requires.
  NOREPLICAS: refused("unavailable", true),

  // The slot is on another node, or moving to one. The cluster driver has followed the redirection once.
  MOVED: refused("unavailable", true),
  ASK: refused("unavailable", true),
  // Some keys of a command have moved and others have not.
  TRYAGAIN: refused("unavailable", true),
  // One command has keys of several slots: the server is a cluster node, but is used as a single server.
  CROSSSLOT: refused("invalid-argument", false),

  // Another program stores something other than a string under this name.
  WRONGTYPE: refused("internal", false),
  // The server does not speak the protocol version that HELLO asked for.
  NOPROTO: refused("internal", false),
};

/** Errors whose first word is only `ERR`. */
const byText: readonly (readonly [text: RegExp, entry: Entry])[] = [
  [/max number of clients/, refused("unavailable", true)],
  [/DB index is out of range|invalid DB index/, refused("no-such-store", false)],
  [/SELECT is not allowed in cluster mode/, refused("no-such-store", false)],
  [/cluster support disabled/, refused("invalid-argument", false)],
  [/invalid password|invalid username-password/, refused("access-denied", false)],
  [/without any password configured/, refused("access-denied", false)],
  // The value exceeds the server's `proto-max-bulk-len`.
  [/invalid bulk length|exceeds maximum allowed size/, refused("too-large", false)],
  [/unknown command|unknown subcommand|wrong number of arguments/, refused("internal", false)],
];

/** How a cluster redirects a client. The store follows redirections, so they mean nothing to its caller. */
const redirections: ReadonlySet<string> = new Set(["MOVED", "ASK", "TRYAGAIN", "CROSSSLOT"]);

/**
 * Translates an error reply.
 *
 * An unknown error may come from a proxy that has already passed the command on, so its effect is `unknown`.
 */
export function faultOfReply({ message }: Error): Fault {
  const word = /^-?([A-Z]+)(?: |$)/.exec(message)?.[1] ?? "ERR";
  const entry = byWord[word] ?? byText.find(([text]) => text.test(message))?.[1];
  if (entry === undefined) return { code: "internal", retryable: false, effect: "unknown", reason: word };
  return redirections.has(word) ? entry : { ...entry, reason: word };
}

/** Failures of TLS that repeating does not cure. */
const tlsFailure = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO|HOSTNAME_MISMATCH)/;

/** Translates the error of opening a connection. Nothing was sent, so no write was applied. */
export function faultOfConnecting(error: unknown): Fault {
  if (error instanceof Error && error.name === "ReplyError") return { ...faultOfReply(error), effect: "none" };
  // The server sent an error before any command, and ioredis quotes it.
  const unprompted = error instanceof Error ? /Last error: (.*)/.exec(error.message)?.[1] : undefined;
  if (unprompted !== undefined) return { ...faultOfReply(new Error(unprompted)), effect: "none" };
  const code = codeOf(error);
  const retryable = code === undefined || !tlsFailure.test(code);
  return { code: "unavailable", retryable, effect: "none", reason: code };
}

/** Node's code, such as `ECONNREFUSED`. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Translates what a request rejected with. */
export function classify(error: unknown): Fault {
  if (StoreError.is(error)) return { code: error.code, retryable: false, effect: "none" };
  // A defect of the driver. It may have sent the request before.
  return { code: "internal", retryable: false, effect: "unknown" };
}
