/** Cases that a deployment cannot pass, with the reason for each. */
export type Skips = Readonly<Record<string, string>>;

function because(reason: string, ids: readonly string[]): Skips {
  return Object.fromEntries(ids.map((id) => [id, reason]));
}

/** For a proxy without `SCAN`. Calls that list keys or buckets fail with `unsupported` or, if the proxy hangs up, `unavailable`. */
export const cannotList: Skips = because("the case lists keys, and the proxy does not have SCAN", [
  "driver-smoke",
  "s01-empty-key",
  ...["1", "2", "3", "4"].map((bytes) => `s01-longest-key-of-${bytes}-byte-characters`),
  "s06-empty-set-many-with-options",
  "s07-model",
  "s07-model-under-faults",
  "s11-cancelled-after",
  "s11-timeout-of-infinity",
  "s12-store-concurrency",
  "s13-keys-that-spell-a-bucket",
  "s13-list-buckets",
  "s13-list-buckets-empty",
  "s13-list-buckets-expired",
  "s13-list-buckets-many",
  "s13-list-buckets-option",
  "s13-list-buckets-similar-names",
  "s13-list-buckets-special-keys",
  "s13-open-sends-nothing",
  "s14-changes-while-listing",
  "s14-clear",
  "s14-clear-failures",
  "s14-clear-many-pages",
  "s14-clear-prefix",
  "s14-cursor-of-another-bucket",
  "s14-cursor-of-another-client",
  "s14-deleted-keys",
  "s14-early-return",
  "s14-empty-bucket",
  "s14-every-key",
  "s14-keys-iterates-all",
  "s14-only-this-bucket",
  "s14-prefix-astral-characters",
  "s14-prefix-last-characters",
  "s14-prefix-longest",
  "s14-prefix-many-pages",
  "s14-prefix-nul-characters",
  "s14-prefix-other-buckets",
  "s14-prefix-pattern-characters",
  "s14-prefix-plain",
  "s14-prefix-unicode",
  "s14-prefix-while-writing",
  "s14-special-keys",
  "s17-delete-of-expired-keys",
  "s17-each-key-at-its-own-time",
  "s17-expired-key-is-missing",
  "s17-expired-keys-between-others",
  "s17-other-clients",
  "s17-set-many-expires",
  "s17-sweep",
  "s19-missing-key-counts-as-0",
  "s21-delete",
  "same-describe-abilities",
  "s21-missing-key",
  "s21-special-keys",
  "s22-reported-abilities-work",
  "s22-without-buckets",
  "s22-without-compare-and-swap",
  "s22-without-if-absent",
  "s22-without-increment",
  "s22-without-ttl",
  "same-event-loop",
  "same-tracing-events",
  "same-tracing-events-of-updates",
  "same-typed-options",
  "same-typed-text",
]);

/**
 * For a server without a run id. A listing misses no key, but it fails if each page comes from another client.
 */
export const cannotShareCursors: Skips = because(
  "without a run id, another client cannot know that the same server process returned the cursor, so it starts over",
  ["s14-cursor-of-another-client"],
);

/** For stunnel, which does not tell a client that the server has closed a connection until the client closes it, too. */
export const behindStunnel: Skips = {
  "s09-network-cancelled-write": "stunnel hides that the server has closed the connection",
  // Its log then says "transfer() loop executes not transferring any data".
  "s12-network-small-pieces": "stunnel 5.68 ends a connection on which a TLS record arrives in hundreds of pieces",
};
