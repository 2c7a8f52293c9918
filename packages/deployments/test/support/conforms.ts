import { type Address, type ConformanceHarness, conformanceSuite, skipSubject } from "@manykv/conformance";
import { describe, test } from "vitest";
import { driverAt, withAddress } from "./driver-at.mjs";

export interface ConformanceOptions {
  readonly name: string;
  /** URL of the deployment. */
  readonly url: string;
  /** The address in `url`. The suite puts proxies in front of it. */
  readonly server: Address;
  /** Maps the cases that the deployment cannot pass to reasons, which the suite prints. */
  readonly skip?: Readonly<Record<string, string>>;
  /** Clients that the deployment refuses. Default: none. */
  readonly refusals?: ConformanceHarness["refusals"];
}

/** Runs the conformance suite against a deployment with one address. */
export function conforms({ name, url, server, skip = {}, refusals }: ConformanceOptions): void {
  // A plain object, because the suite passes it to a child process as JSON.
  const address = { host: server.host, port: server.port };
  conformsTo({
    name,
    skip,
    refusals,
    servers: [address],
    child: { file: new URL("./child.mjs", import.meta.url), data: { url, server: address } },
    driver: (route) => driverAt(withAddress(url, route(address))),
  });
}

const coreCases = skipSubject("core", "the backend's own tests run it");

/** Runs the cases that are not about core, with fewer random call sequences than the backends' own tests. */
export function conformsTo(harness: Omit<ConformanceHarness, "modelRuns">): void {
  conformanceSuite({ describe, test }, { ...harness, skip: { ...coreCases, ...harness.skip }, modelRuns: 40 });
}
