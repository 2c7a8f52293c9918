import { dockerEngineResponds } from "./container/docker-engine.js";
import { type Address, type AddressVariable, addressIn } from "./environment.js";
import type { Service } from "./service.js";

/** The ways to get a service: from an address in the environment, from a container or as a local process. */
export interface Sources<Shared extends Service, Dedicated extends Shared> {
  /** Name of the service in the printed lines. */
  readonly name: string;
  readonly variable: AddressVariable;
  environment(address: Address): Promise<Shared>;
  container(): Promise<Dedicated>;
  process(print: Print): Promise<Dedicated>;
}

/** Prints one human-readable line. */
export type Print = (line: string) => void;

export interface StartOptions {
  /** Receives the line that names the chosen source, and lines about problems. Default: `console.log`. */
  print?: Print;
}

export interface DedicatedOptions extends StartOptions {
  /** Requires one source. Default: a container if a Docker engine can start it, and otherwise a local process. */
  source?: "container" | "process";
}

/** Returns the server whose address is in the environment, or starts one if there is no address. */
export async function startShared<Shared extends Service, Dedicated extends Shared>(
  sources: Sources<Shared, Dedicated>,
  options: StartOptions,
): Promise<Shared> {
  const address = addressIn(sources.variable);
  if (!address) return startDedicated(sources, options);
  return announced(sources.name, await sources.environment(address), options);
}

/** Starts a server that only the caller uses, even if the environment contains an address. */
export async function startDedicated<Shared extends Service, Dedicated extends Shared>(
  sources: Sources<Shared, Dedicated>,
  options: DedicatedOptions,
): Promise<Dedicated> {
  return announced(sources.name, await startOnMachine(sources, options), options);
}

async function startOnMachine<Shared extends Service, Dedicated extends Shared>(
  sources: Sources<Shared, Dedicated>,
  options: DedicatedOptions,
): Promise<Dedicated> {
  const print = printer(options);
  if (options.source === "process") return sources.process(print);
  const engineResponds = await dockerEngineResponds();
  if (options.source === "container") {
    // Without this check, Testcontainers could use a different engine than the one at `DOCKER_HOST`.
    if (!engineResponds) throw new Error(`${sources.name}: no Docker engine responds. Start one, or set DOCKER_HOST`);
    return sources.container();
  }
  if (!engineResponds && process.env["DOCKER_HOST"])
    print(`${sources.name}: no Docker engine responds at DOCKER_HOST. Start it, or correct or unset DOCKER_HOST`);
  if (engineResponds) {
    try {
      return await sources.container();
    } catch (error) {
      // For example, the engine cannot download the image. A local process needs no image.
      print(`${sources.name}: a Docker engine responds, but cannot start a container (${firstLine(error)})`);
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
