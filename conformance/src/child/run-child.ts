import { createHook } from "node:async_hooks";
import { writeSync } from "node:fs";
import { type Bucket, createStore, type Store, type StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import { failureOf, framesOf, textOf } from "../failure.js";
import type { Address, Route } from "../harness.js";
import { WatchedDrivers } from "../support/watched-drivers.js";
import { type ScenarioName, scenarios } from "./scenarios.js";

/** Creates a client in the child process, as `driver` of the harness does. `data` is the harness's `child.data`. */
export type ChildDriver<Data> = (data: Data, route: Route) => Driver | Promise<Driver>;

/** What the suite passes to the child process. */
export interface ChildTask {
  readonly scenario: ScenarioName;
  readonly data: unknown;
  readonly options: StoreOptions;
  readonly bucket: string;
  /** Each server with the address that the client must connect to. */
  readonly routes: readonly (readonly [server: Address, address: Address])[];
}

interface Opened {
  readonly store: Store;
  readonly bucket: Bucket;
}

/** What a scenario can use. */
export interface ChildContext {
  open(options?: StoreOptions): Promise<Opened>;
  /** Opens a store that connects to the servers without proxies. */
  openDirectly(): Promise<Opened>;
  /** Name of a bucket that no other case uses. */
  readonly bucketName: string;
  /** Asks the suite to do something, such as to stop the proxies, and waits until this is done. */
  step(name: string): Promise<void>;
}

/**
 * Runs the scenario that the suite asks for. If the scenario fails, or if something keeps the process alive after it,
 * writes the reason to standard error and ends the process with code 1.
 */
export async function runChild<Data>(createDriver: ChildDriver<Data>): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? "") as ChildTask;
  const addresses = new Map(task.routes.map(([server, address]) => [keyOf(server), address]));
  const route: Route = (server) => addresses.get(keyOf(server)) ?? server;
  const drivers = new WatchedDrivers();
  const open = async (through: Route, options?: StoreOptions): Promise<Opened> => {
    const driver = drivers.watch(await createDriver(task.data as Data, through));
    const store = createStore(driver, { ...task.options, ...options });
    return { store, bucket: await store.open(task.bucket) };
  };
  const context: ChildContext = {
    bucketName: task.bucket,
    open: (options) => open(route, options),
    openDirectly: () => open((server) => server),
    step,
  };
  const before = process.getActiveResourcesInfo();
  const kept = task.scenario.startsWith("close") || task.scenario === "lose-connections" ? watchResources() : undefined;
  try {
    await scenarios[task.scenario](context);
    await kept?.gone();
  } catch (error) {
    fail(textOf(failureOf("run", error, drivers.log)));
  }
  expectEnd(before);
}

/** What a closed store must not keep, even if it does not keep the process alive. */
const resources: ReadonlySet<string> = new Set(["Timeout", "TCPWRAP", "PIPEWRAP", "TCPSERVERWRAP"]);
/** Time in which the resources of a closed store must be gone, in milliseconds. Node.js keeps a timer for a second. */
const resourceTime = 3_000;

/** Watches timers and sockets from now on. `gone` waits until none is left, and throws an error if some are. */
function watchResources(): { gone(): Promise<void> } {
  const alive = new Map<number, { readonly type: string; readonly stack?: string }>();
  let isWatching = true;
  Error.stackTraceLimit = 20; // up to 10 of the frames are inside Node.js
  const init = (id: number, type: string): void => {
    if (!isWatching || !resources.has(type)) return;
    const resource = { type };
    Error.captureStackTrace(resource, init);
    alive.set(id, resource);
  };
  createHook({
    init,
    destroy: (id) => alive.delete(id),
  }).enable();
  return {
    async gone() {
      isWatching = false;
      const end = performance.now() + resourceTime;
      while (alive.size > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
      if (alive.size === 0) return;
      const left = Array.from(alive.values(), (resource) => `${resource.type}, created\n${framesOf(resource)}`);
      throw new Error(`after close, no timer and no socket may be left, even if it is unref'd:\n${left.join("\n")}`);
    },
  };
}

/** Time in which a process must end, in milliseconds. */
const endTime = 200;

/** Fails if anything other than `before` keeps the process alive. Does not keep the process alive itself. */
function expectEnd(before: readonly string[]): void {
  setTimeout(() => {
    const resources = process.getActiveResourcesInfo();
    for (const name of before) if (resources.includes(name)) resources.splice(resources.indexOf(name), 1);
    if (resources.length > 0)
      fail(`${endTime} ms after the scenario, the process is kept alive by ${resources.join(", ")}`);
  }, endTime).unref();
}

async function step(name: string): Promise<void> {
  process.send?.(name);
  // The channel keeps the process alive only while there is a listener.
  await new Promise((resolve) => process.once("message", resolve));
}

function fail(reason: string): never {
  writeSync(2, `${reason}\n`);
  process.exit(1);
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
