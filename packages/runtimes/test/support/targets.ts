import { skipSubject } from "@manykv/conformance";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect } from "vitest";
import { type Ended, run } from "./application.js";

export type Backend = "memory" | "redis" | "redis-cluster" | "postgres" | "dynamodb";

/** What `programs/stores.mjs` opens. With the ownership `caller`, the program passes its client or pool. */
export interface Target {
  readonly backend: Backend;
  readonly address: string;
  readonly table: string;
  readonly ownership: "own" | "caller";
}

export const servers = ["redis", "redis-cluster", "postgres", "dynamodb"] as const satisfies Backend[];

export function target(backend: Backend, ownership: Target["ownership"] = "own"): Target {
  const address = backend === "memory" ? "memory:" : serviceUrl(backend);
  return { backend, address, table: randomName(), ownership };
}

/** A command line that runs a program: the file to execute and the arguments before the name of the program. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The environment of the programs that run the conformance suite.
 *
 * @param fullBackend - the backend whose run includes the cases about core, which are the same with every backend
 */
export function conformanceEnvironment(target: Target, fullBackend: Backend): NodeJS.ProcessEnv {
  const core = `the run with ${fullBackend} includes the cases about core`;
  const skip = { ...(target.backend !== fullBackend && skipSubject("core", core)), ...skippedCases(target) };
  return { MANYKV_TARGET: JSON.stringify({ ...target, skip }) };
}

/** Cases that the clients of a program or the engine cannot pass. */
function skippedCases({ backend, ownership }: Target): Record<string, string> {
  if (ownership === "own" || backend === "dynamodb") return {};
  if (backend === "postgres")
    return { "errors-network-garbled-answers": "pg ends the process if the login of the program's pool is garbled" };
  if (backend !== "redis-cluster") return {};
  const retries = "the program's Cluster client searches for a node until the deadline";
  return { "same-network-unreachable": retries, "same-network-unknown-host": retries };
}

/** Runs the conformance suite in a separate process. Expects every case to pass. */
export async function expectConformance(command: Command, target: Target, fullBackend: Backend): Promise<void> {
  const ended = await run(command.file, [...command.args, "conformance.mjs"], {
    ...command.env,
    ...conformanceEnvironment(target, fullBackend),
  });
  expectSuccess(ended);
  const [, passed, failed] = /^(\d+) passed, (\d+) failed, \d+ skipped$/m.exec(ended.output) ?? [];
  expect(Number(failed)).toBe(0);
  expect(Number(passed)).toBeGreaterThan(150);
}

export function expectSuccess({ output, exitCode, signal }: Ended): void {
  expect({ exitCode, signal, output: exitCode === 0 ? "" : output.slice(-4_000) }).toEqual({
    exitCode: 0,
    signal: null,
    output: "",
  });
}

/** Returns the URL for `openStore`. */
export function urlOf({ backend, address, table }: Target): string {
  const region = process.env["AWS_REGION"];
  if (backend === "dynamodb") return `dynamodb://${region}/${table}?endpoint=${encodeURIComponent(address)}`;
  return backend === "postgres" ? `${address}?table=${table}` : address;
}
