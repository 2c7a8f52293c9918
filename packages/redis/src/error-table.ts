import { StoreError } from "@manykv/core";
import { type Fault, notInteger, overflow } from "@manykv/core/driver";

type Entry = Readonly<Pick<Fault, "code" | "retryable" | "effect" | "reason">>;

/** Returns the entry for an error that the server sends before it runs any part of a command. No write was applied. */
const refused = (code: Fault["code"], retryable: boolean): Entry => ({ code, retryable, effect: "none" });

/**
 * Entries by the first word of an error reply. Redis checks permissions, memory, role and slots for all keys of a
 * command before it runs the command, so it rejects an `MSET` or `DEL` of many keys as a whole.
 * https://github.com/redis/redis/blob/7.0.15/src/server.c (`processCommand`)
 */
const byWord: Readonly<Record<string, Entry>> = {
  // `maxmemory` is reached and Redis cannot evict a key. Deleted and expired keys free memory, so a retry may succeed.
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
  // The server is a replica that lost the connection to its master.
  MASTERDOWN: refused("unavailable", true),
  // Some slots have no master, or the node cannot reach most of the other masters.
  CLUSTERDOWN: refused("unavailable", true),
  // A script or function runs for too long.
  BUSY: refused("unavailable", true),
  // The server cannot save its data and is configured to refuse writes in this case.
  MISCONF: refused("unavailable", true),
  // Fewer replicas are connected than `min-replicas-to-write` requires.
  NOREPLICAS: refused("unavailable", true),

  // The slot is on another node, or is moving to another node. The cluster driver has already followed one redirection.
  MOVED: refused("unavailable", true),
  ASK: refused("unavailable", true),
  // Some keys of a command have moved to another node and others have not.
  TRYAGAIN: refused("unavailable", true),
  // One command has keys of several slots: the server is a cluster node, but is used as a single server.
  CROSSSLOT: refused("invalid-argument", false),

  // Another program stores something other than a string under this name.
  WRONGTYPE: refused("wrong-type", false),
  // The server does not support the protocol version that HELLO requested.
  NOPROTO: refused("internal", false),
};

/** Entries by the text of an error, for errors without a specific first word. */
const byText: readonly (readonly [text: RegExp, entry: Entry])[] = [
  [/max number of clients/, refused("unavailable", true)],
  [/DB index is out of range|invalid DB index/, refused("no-such-store", false)],
  [/SELECT is not allowed in cluster mode/, refused("no-such-store", false)],
  [/cluster support disabled/, refused("invalid-argument", false)],
  [/invalid password|invalid username-password/, refused("access-denied", false)],
  [/without any password configured/, refused("access-denied", false)],
  // The value exceeds the server's `proto-max-bulk-len`.
  [/invalid bulk length|exceeds maximum allowed size/, refused("too-large", false)],
  [/unknown command|unknown subcommand|unsupported command/, refused("unsupported", false)],
  [/wrong number of arguments/, refused("internal", false)],
  // The ACL forbids a command or key in a script.
  [/^(ERR )?The user executing the script can't/, refused("access-denied", false)],
  // `INCRBY`, also in a script.
  [/value is not an integer or out of range/, notInteger],
  [/increment or decrement would overflow/, overflow],

  // Upstash: https://upstash.com/docs/redis/troubleshooting/max_requests_limit
  [/max (daily request|requests) limit exceeded|DB capacity quota exceeded/, refused("throttled", true)],
  [/max (request|single record|key) size exceeded/, refused("too-large", false)],
  [/max concurrent connections exceeded/, refused("unavailable", true)],

  // Envoy and twemproxy before they send a command to a server.
  [/^no upstream host$|^ERR (Connection refused|Host is down|No route to host)$/, refused("unavailable", true)],
  // Envoy and twemproxy after they have sent a command, or a part of it.
  [
    /^upstream (failure|protocol error)$|^finished with \d+ error|^ERR (Connection (timed out|reset by peer)|Broken pipe)$/,
    { code: "unavailable", retryable: true, effect: "unknown" },
  ],
];

/** Returns whether an error means that the server does not have the command. */
export function isUnknownCommand({ message }: Error): boolean {
  return /unknown command|unsupported command|not supported/i.test(message);
}

/** First words that are never reported as `reason`, because they concern only the slots of a cluster. */
const redirections: ReadonlySet<string> = new Set(["MOVED", "ASK", "TRYAGAIN", "CROSSSLOT"]);

/** Matches what Redis before 7 puts before an error in a script. manykv's scripts fail before they write. */
const inScript = /^ERR Error running script \(call to \w+\): (?:@?user_script: ?\d+: )+-?/;

/**
 * Translates an error reply to a fault.
 *
 * An unknown error may come from a proxy that has already forwarded the command, so its effect is `unknown`.
 */
export function faultOfReply(reply: Error): Fault {
  const message = reply.message.replace(inScript, "");
  const word = /^-?([A-Z]+)(?: |$)/.exec(message)?.[1] ?? "ERR";
  const entry = byWord[word] ?? byText.find(([text]) => text.test(message))?.[1];
  if (entry === undefined) return { code: "internal", retryable: false, effect: "unknown", reason: word };
  return redirections.has(word) ? entry : { reason: word, ...entry };
}

/** Matches the error codes of TLS failures that a retry cannot fix. */
const tlsFailure = /^(CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO|HOSTNAME_MISMATCH)/;

/** Matches the error codes of a TLS handshake to which the server replied something else. */
const notTls = /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/;

/** The fault of a server without TLS, if the URL requires TLS. */
export const needsPlain: Fault = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "the server does not use TLS: use redis:// instead of rediss://",
});

/** Translates an error that occurred while a connection was opened. No request was sent, so no write was applied. */
export function faultOfConnecting(error: unknown): Fault {
  if (error instanceof Error && error.name === "ReplyError") return { ...faultOfReply(error), effect: "none" };
  // The server sent an error before it received a command. ioredis quotes the error in its message.
  const unprompted = error instanceof Error ? /Last error: (.*)/.exec(error.message)?.[1] : undefined;
  if (unprompted !== undefined) return { ...faultOfReply(new Error(unprompted)), effect: "none" };
  const code = codeOf(error);
  if (code !== undefined && notTls.test(code)) return needsPlain;
  const retryable = code === undefined || !tlsFailure.test(code);
  return { code: "unavailable", retryable, effect: "none", reason: code };
}

/** Returns the Node.js error code, such as `ECONNREFUSED`, or `undefined` if the error has none. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Translates an error of a request into a fault. Core does not pass a `FaultError` to this function. */
export function classify(error: unknown): Fault {
  if (StoreError.is(error)) return { code: error.code, retryable: false, effect: "none" };
  // The driver has a bug. The request may have been sent.
  return { code: "internal", retryable: false, effect: "unknown" };
}
