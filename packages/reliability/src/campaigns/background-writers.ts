import type { History } from "@manykv/conformance/checker";
import { RecordedClient } from "@manykv/conformance/checker";
import type { Random } from "@manykv/conformance/faults";
import { createStore, type Store } from "@manykv/core";
import { direct, type Testbed } from "../testbeds/testbed.js";

export interface WriterOptions {
  readonly count: number;
  readonly keys: readonly string[];
  /** Timeout of each call, in milliseconds. */
  readonly timeout: number;
  readonly fenced: boolean;
}

/** Clients that write and read batches of the same keys while a campaign disturbs the servers. */
export class BackgroundWriters {
  readonly rejected: string[] = [];
  calls = 0;
  readonly #stores: readonly Store[];
  readonly #ends: Promise<void>[] = [];
  #stopped = false;

  constructor(testbed: Testbed, count: number) {
    this.#stores = Array.from({ length: count }, () => createStore(testbed.driver(direct)));
  }

  /** Starts the writers, which record their calls in `history`. */
  async start(history: History, bucket: string, random: Random, options: Omit<WriterOptions, "count">): Promise<void> {
    this.#stopped = false;
    for (const [number, store] of this.#stores.entries()) {
      const client = new RecordedClient(history, `writer ${number}`, await store.open(bucket), {
        fenced: options.fenced,
        valueBytes: () => random.integer(12, 300),
        tolerance: 1_000,
      });
      this.#ends.push(this.#write(client, random, options));
    }
  }

  /** Stops the writers. Resolves after their current calls have settled. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#ends.splice(0));
  }

  async close(): Promise<void> {
    await this.stop();
    await Promise.all(this.#stores.map((store) => store.close()));
  }

  async #write(client: RecordedClient, random: Random, { keys, timeout }: Omit<WriterOptions, "count">): Promise<void> {
    while (!this.#stopped) {
      const some = keys.filter(() => random.chance(0.4));
      const kind = random.weighted({ setMany: 6, deleteMany: 2, getMany: 2 });
      const { error } = await client[kind](some, { timeout });
      this.calls++;
      if (error !== undefined) this.rejected.push(String(error));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
