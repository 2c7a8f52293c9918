import { type History, RecordedClient } from "@manykv/conformance/checker";
import { createStore } from "@manykv/core";
import { direct, type Testbed } from "../testbeds/testbed.js";

/** Reads all keys with a new client, records the results in the history, and deletes the keys. */
export async function observeAll(
  testbed: Testbed,
  history: History,
  bucket: string,
  keys: readonly string[],
): Promise<void> {
  await using store = createStore(testbed.driver(direct));
  const observed = await store.open(bucket);
  const observer = new RecordedClient(history, "observer", observed, { tolerance: 1_000 });
  const { error } = await observer.getMany(keys, { timeout: 30_000 });
  if (error !== undefined)
    history.addAnomaly("unsettled", `the observer must read all keys, but its read rejected: ${String(error)}`);
  await observed.deleteMany(keys, { timeout: 30_000 });
}
