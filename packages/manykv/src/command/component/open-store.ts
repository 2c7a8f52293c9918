// The module that opens a store for components, in this thread or in a worker.
import type { Store } from "@manykv/core";
import { openStore } from "../../open-store.js";

export interface StoreArgument {
  readonly url: string;
  /** Time limit of each call, in milliseconds. */
  readonly timeout: number;
}

export default function openComponentStore({ url, timeout }: StoreArgument): Promise<Store> {
  return openStore(url, { timeout });
}
