/** Cases that a deployment cannot pass, with the reason for each. */
export type Skips = Readonly<Record<string, string>>;

function because(reason: string, ids: readonly string[]): Skips {
  return Object.fromEntries(ids.map((id) => [id, reason]));
}

/** For a proxy without `SCAN`. Calls that list keys fail with `unavailable`, and the message says why. */
export const cannotList: Skips = because("the case lists keys, and the proxy does not have SCAN", [
  "s01-empty-key",
  ...["1", "2", "3", "4"].map((bytes) => `s01-longest-key-of-${bytes}-byte-characters`),
  "s07-model",
  "s07-model-under-faults",
  "s10-list-keys-repeated",
  "s11-cancelled-after",
  "s11-timeout-of-infinity",
  "s12-store-concurrency",
  "s13-keys-that-spell-a-bucket",
  "s13-open-sends-nothing",
  "s14-changes-while-listing",
  "s14-cursor-of-another-bucket",
  "s14-cursor-of-another-client",
  "s14-deleted-keys",
  "s14-early-return",
  "s14-empty-bucket",
  "s14-every-key",
  "s14-keys-iterates-all",
  "s14-only-this-bucket",
  "s14-special-keys",
  "same-event-loop",
  "same-tracing-events",
]);

/** For a server without a way to end a connection. The test of late writes proves that the store reports them. */
export const cannotSettle: Skips = because(
  "the server cannot end a connection, so a lost write may take effect later; it is reported as unsettled",
  ["s09-network-late-write"],
);

/**
 * For a server without a run id. A listing misses no key, but it fails if each page comes from another client.
 */
export const cannotShareCursors: Skips = because(
  "without a run id, another client cannot know that the same server process returned the cursor, so it starts over",
  ["s14-cursor-of-another-client"],
);
