import { createStore } from "@manykv/core";
import { direct, type Testbed } from "./testbed.js";

/** Creates the table for the drivers of a testbed. */
export async function provision(testbed: Testbed): Promise<void> {
  await using store = createStore(testbed.driver(direct));
  await store.provision();
}
