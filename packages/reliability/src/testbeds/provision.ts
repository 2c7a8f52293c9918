import { createStore } from "@manykv/core";
import { direct, type Testbed } from "./testbed.js";

/** Creates the table that the testbed's drivers use. */
export async function provision(testbed: Testbed): Promise<void> {
  await using store = createStore(testbed.driver(direct));
  await store.provision();
}
