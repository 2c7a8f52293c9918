import { dockerEngineAnswers } from "./container/docker-engine.js";
import { type Address, type AddressVariable, addressOf } from "./environment/address.js";
import type { Service } from "./service.js";

/** Where a service can come from. */
export interface Sources<Shared extends Service, Dedicated extends Shared> {
  /** Names the service in what is printed. */
  readonly name: string;
  readonly variable: AddressVariable;
  environment(address: Address): Promise<Shared>;
  container(): Promise<Dedicated>;
  process(print: Print): Promise<Dedicated>;
}

/** Takes one line for people. */
export type Print = (line: string) => void;

export interface StartOptions {
  /** Gets the line that says which source was chosen. Default: `console.log`. */
  print?: Print;
}

export interface DedicatedOptions extends StartOptions {
  /** Insists on one source. Default: a container where a Docker engine answers, else a local process. */
  source?: "container" | "process";
}

/** The environment's server where it names one, else a server started for the caller. */
export async function startShared<Shared extends Service, Dedicated extends Shared>(
  sources: Sources<Shared, Dedicated>,
  options: StartOptions,
): Promise<Shared> {
  const address = addressOf(sources.variable);
  if (!address) return startDedicated(sources, options);
  return announced(sources.name, await sources.environment(address), options);
}

/** A server started for the caller alone, whatever the environment names. */
export async function startDedicated<Shared extends Service, Dedicated extends Shared>(
  sources: Sources<Shared, Dedicated>,
  options: DedicatedOptions,
): Promise<Dedicated> {
  return announced(sources.name, await startOwn(sources, options), options);
}

async function startOwn<Shared extends Service, Dedicated extends Shared>(
  sources: Sources<Shared, Dedicated>,
  options: DedicatedOptions,
): Promise<Dedicated> {
  const print = printer(options);
  if (options.source === "process") return sources.process(print);
  const engine = await dockerEngineAnswers();
  if (options.source === "container") {
    // Testcontainers would go on to another engine than the one that DOCKER_HOST names.
    if (!engine) throw new Error(`${sources.name}: no Docker engine answers; start one, or set DOCKER_HOST`);
    return sources.container();
  }
  if (engine) {
    try {
      return await sources.container();
    } catch (error) {
      // An engine without a way to the images is no reason to fail where a local process will do.
      print(`${sources.name}: a Docker engine answers, but no container starts (${firstLine(error)})`);
    }
  }
  return sources.process(print);
}

function announced<S extends Service>(name: string, service: S, options: StartOptions): S {
  printer(options)(`${name}: ${service.description}`);
  return service;
}

function printer({ print = console.log }: StartOptions): Print {
  return print;
}

function firstLine(error: unknown): string {
  return String(error).split("\n", 1)[0] ?? "";
}
