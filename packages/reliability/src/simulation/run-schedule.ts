import { type Anomaly, checkHistory, History, RecordedClient } from "@manykv/conformance/checker";
import { Random } from "@manykv/conformance/faults";
import { type Bucket, type CallOptions, createStore, type SetOptions, type Store } from "@manykv/core";
import type { DriverLimits } from "@manykv/core/driver";
import { belongs, checkOutcomes, type TrackedWrite } from "./check-outcomes.js";
import { FaultPlan } from "./fault-plan.js";
import { Oracle } from "./oracle.js";
import { SimulatedDriver } from "./simulated-driver.js";
import { VirtualTime } from "./virtual-time.js";

/** The result of one schedule. */
export interface ScheduleResult {
  readonly seed: number;
  readonly anomalies: readonly Anomaly[];
  readonly undecided: number;
  readonly calls: number;
  readonly outcomes: Readonly<Record<"applied" | "not-applied" | "unknown", number>>;
  /** Longest time by which a call exceeded its deadline, in virtual milliseconds. Negative if no call was late. */
  readonly worstOverrun: number;
}

const callWeights = {
  set: 2,
  delete: 1,
  increment: 2,
  compareAndSwap: 2,
  get: 1,
  exists: 1,
  list: 1,
  setMany: 6,
  deleteMany: 3,
  getMany: 3,
  getMap: 1,
  existsMany: 1,
  ttlMany: 1,
};
type CallKind = keyof typeof callWeights;

/** The key that most increments use. */
const counter = "counter";

interface Client {
  readonly driver: SimulatedDriver;
  readonly store: Store;
  readonly recorded: readonly RecordedClient[];
  readonly calls: number;
}

/** Runs one schedule of random calls and faults. The schedule depends only on the seed. */
export async function runSchedule(seed: number): Promise<ScheduleResult> {
  return new Schedule(seed).run();
}

class Schedule {
  readonly #seed: number;
  readonly #random: Random;
  readonly #time: VirtualTime = new VirtualTime();
  readonly #history: History = new History();
  readonly #oracle: Oracle = new Oracle(this.#history);
  readonly #keys: readonly string[];
  /** Times to live of keys. Each schedule chooses from some of them. */
  readonly #ttls: readonly (number | undefined)[];
  readonly #tracked: TrackedWrite[] = [];
  #calls = 0;
  #unsettled = 0;
  #worstOverrun = Number.NEGATIVE_INFINITY;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    const random = this.#random;
    const values = ["", "a", "b", "__proto__", "c\u0000", "𝄞"].slice(0, random.integer(1, 6));
    this.#keys = [...values, counter];
    const ttls = [random.integer(1, 50), random.integer(50, 5_000), 60_000];
    this.#ttls = [undefined, undefined, random.pick([undefined, ...ttls]), random.pick([undefined, ...ttls])];
  }

  async run(): Promise<ScheduleResult> {
    const jitter = new Random(this.#seed ^ 0x5eed);
    const restore = this.#time.install(() => jitter.next());
    try {
      return await this.#run();
    } finally {
      restore();
    }
  }

  async #run(): Promise<ScheduleResult> {
    const random = this.#random;
    const probability = random.pick([0.05, 0.3, 0.6, 0.95]);
    const clients: Client[] = [];
    for (let number = 1; number <= random.integer(1, 3); number++) {
      clients.push(await this.#open(`client ${number}`, probability, random.integer(1, 5)));
    }
    const ends = clients.map((client) => this.#use(client));
    let over = false;
    const all = Promise.all(ends).then(() => {
      over = true;
    });
    await this.#time.run(() => over);
    if (over) await all;
    const observer = await this.#open("observer", 0, 0);
    await this.#observe(observer);
    // Let the remaining lost writes take effect. Then read all keys again.
    await this.#time.run();
    await this.#observe(observer);
    return this.#result();
  }

  async #open(name: string, probability: number, calls: number): Promise<Client> {
    const random = this.#random;
    const plan = new FaultPlan(random, probability);
    const driver = new SimulatedDriver(this.#oracle, plan, {
      limits: drawLimits(random),
      exists: random.chance(0.7),
      prepareSet: random.chance(0.4),
    });
    const retry = { attempts: random.pick([1, 3, 10]), baseDelay: random.pick([0, 10, 50]) };
    const store = createStore(driver, { retry });
    const buckets: Bucket[] = [await store.open("one"), await store.open("two")];
    const entryTtl = () => random.pick(this.#ttls);
    const recorded = buckets.map((bucket) => new RecordedClient(this.#history, name, bucket, { entryTtl }));
    return { driver, store, recorded, calls };
  }

  async #use({ driver, store, recorded, calls }: Client): Promise<void> {
    for (let number = 0; number < calls; number++) {
      driver.call = ++this.#calls;
      await this.#call(this.#random.pick(recorded), driver.call);
      if (this.#random.chance(0.3)) await pause(this.#random.integer(1, 500));
    }
    if (this.#random.chance(0.2)) {
      // `close` must wait for the call in flight, and core must send no request afterwards.
      driver.call = ++this.#calls;
      const last = this.#call(this.#random.pick(recorded), driver.call);
      await Promise.all([last, store.close()]);
    }
  }

  async #call(client: RecordedClient, call: number): Promise<void> {
    const random = this.#random;
    const timeout = random.pick([0, 30, 100, 500, 3_000, 10_000, Number.POSITIVE_INFINITY]);
    const controller = random.chance(0.15) ? new AbortController() : undefined;
    const options: CallOptions = { timeout, ...(controller && { signal: controller.signal }) };
    const abort = random.pick([0, 1, 40, 400]);
    if (controller !== undefined && abort === 0) controller.abort();
    else if (controller !== undefined) setTimeout(() => controller.abort(), abort);
    const first = this.#history.writes.length;
    const began = this.#time.now;
    this.#unsettled++;
    const kind = await this.#send(client, options);
    this.#unsettled--;
    // The timeout of a listing applies to each page separately.
    if (timeout !== Number.POSITIVE_INFINITY && kind !== "list") {
      this.#worstOverrun = Math.max(this.#worstOverrun, this.#time.now - began - timeout);
    }
    const cancelled = controller?.signal.aborted === true;
    for (const record of this.#history.writes.slice(first)) {
      if (record.client === client.name) this.#tracked.push({ record, call, cancelled });
    }
  }

  async #send(client: RecordedClient, options: CallOptions): Promise<CallKind> {
    const random = this.#random;
    const kind = random.weighted(callWeights);
    const ttl = random.pick(this.#ttls);
    const setOptions: SetOptions = { ...options, ttl, ifAbsent: random.chance(0.3) };
    switch (kind) {
      case "list":
        await client.list(this.#keys, options);
        break;
      case "set":
        await client.set(this.#key(), setOptions);
        break;
      case "setMany":
        await client.setMany(this.#batch(), setOptions);
        break;
      case "increment":
        await client.increment(random.chance(0.9) ? counter : this.#key(), BigInt(random.integer(-2, 5)), {
          ...options,
          ttl,
        });
        break;
      case "compareAndSwap":
        await client.compareAndSwap(random.pick(this.#keys), random.pick(["set", "set", "delete"]), options);
        break;
      case "get":
      case "exists":
        await client[kind](random.pick(this.#keys), options);
        break;
      case "delete":
        await client.delete(random.pick(this.#keys), options);
        break;
      default:
        await client[kind](this.#batch(), options);
    }
    return kind;
  }

  #batch(): string[] {
    return Array.from({ length: this.#random.integer(0, 8) }, () => this.#key());
  }

  /** Chooses a key to set or read. Increments would fail if clients often set the counter. */
  #key(): string {
    const [...values] = this.#keys;
    if (this.#random.chance(0.95)) values.pop();
    return this.#random.pick(values);
  }

  async #observe({ recorded }: Client): Promise<void> {
    let over = false;
    const reading = (async () => {
      for (const client of recorded) {
        await client.getMany(this.#keys);
        await client.list(this.#keys);
      }
      over = true;
    })();
    await this.#time.run(() => over);
    await reading;
  }

  #result(): ScheduleResult {
    markLate(this.#oracle, this.#tracked);
    const { anomalies, undecided } = checkHistory(this.#history);
    const found: Anomaly[] = [...anomalies, ...checkOutcomes(this.#oracle, this.#tracked)];
    if (this.#unsettled > 0)
      found.push({ kind: "unsettled", text: `number of calls that never settled: ${this.#unsettled}` });
    const outcomes = { applied: 0, "not-applied": 0, unknown: 0 };
    for (const { outcome } of this.#history.writes) outcomes[outcome]++;
    return {
      seed: this.#seed,
      anomalies: found,
      undecided: undecided.length,
      calls: this.#calls,
      outcomes,
      worstOverrun: this.#worstOverrun,
    };
  }
}

/** Sets `late` on the writes that took effect after their call settled. The checker allows this for late writes. */
function markLate(oracle: Oracle, tracked: readonly TrackedWrite[]): void {
  for (const { record, call } of tracked) {
    record.late = oracle.attempts.some(
      (attempt) =>
        attempt.call === call &&
        attempt.key === record.key &&
        belongs(attempt, record) &&
        attempt.landings.some((landing) => landing > record.end),
    );
  }
}

function drawLimits(random: Random): DriverLimits {
  const request = () => ({ maxKeys: random.pick([1, 2, 3, 100]), maxBytes: random.pick([30, 60, 10_000]) });
  return {
    maxValueBytes: 1024,
    get: request(),
    set: request(),
    ...(random.chance(0.5) && { setIfAbsent: request() }),
    delete: request(),
    concurrency: random.integer(1, 4),
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
