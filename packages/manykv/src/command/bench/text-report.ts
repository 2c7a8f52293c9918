import { count, figure, textTable } from "@manykv/measure";
import { type BenchOptions, type BenchResult, batchMethods, type CellResult, type DeploymentResult } from "./result.js";

/** Returns the result as text for a terminal or a pipe: the deployments, the figures, and what they mean. */
export function textReport(result: BenchResult): string {
  const { deployments, options } = result;
  const blocks = [
    deployments.map(describeDeployment),
    [figuresTable(deployments, options)],
    [
      `batch ms: median time of ${options.operations.map((operation) => batchMethods[operation]).join(", ")}, and the 5th to 95th percentile`,
      `single ms: median time of ${options.operations.join(", ")} calls for as many keys, all at the same time`,
      "faster: time of the single calls, divided by the time of the batch",
      "round trips: time of the batch, divided by the plain round trip: a get of a missing key",
    ],
    deployments.map(describeBreakEven),
  ];
  return `${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** Returns one line about a deployment, such as `redis: redis://localhost:6379, redis 7.0.15, single, round trip 0.06 ms`. */
function describeDeployment(deployment: DeploymentResult): string {
  const { label, roundTrip } = deployment;
  const { p5, p50, p95 } = roundTrip;
  const trip = `round trip ${figure(p50)} ms (${figure(p5)}-${figure(p95)})`;
  return `${label}: ${[serverOf(deployment), trip].join(", ")}`;
}

/** Returns the name of a deployment, and what its server reports. */
export function serverOf({ name, product, driver, version, topology }: DeploymentResult): string {
  const server = [product ?? driver, version].filter((text) => text !== undefined).join(" ");
  return [name, server, topology].filter((text) => text !== undefined).join(", ");
}

/** Returns a row for each operation and size, and columns for each deployment. Figures that are not known yet are blank. */
export function figuresTable(deployments: readonly DeploymentResult[], { operations, sizes }: BenchOptions): string {
  const head = deployments.flatMap(({ label }) => [
    `${label}: batch ms`,
    "single ms",
    "faster",
    "round trips",
    "keys/s",
  ]);
  const rows = operations.flatMap((operation) =>
    sizes.map((size) => [
      operation,
      count(size),
      ...deployments.flatMap(({ results }) =>
        cellsOf(results.find((each) => each.operation === operation && each.size === size)),
      ),
    ]),
  );
  return textTable(["", "keys", ...head], rows);
}

function cellsOf(result: CellResult | undefined): readonly string[] {
  if (result === undefined) return ["", "", "", "", ""];
  const { batch, single, speedup } = result;
  const { p5, p50, p95 } = batch.milliseconds;
  return [
    `${figure(p50)} (${figure(p5)}-${figure(p95)})`,
    figure(single.milliseconds.p50),
    `${figure(speedup.p50)} x`,
    figure(batch.roundTrips),
    count(Math.round(batch.keysPerSecond)),
  ];
}

/** Returns one line such as `redis: batches are faster than single calls: set from 2 keys, get from 2 keys`. */
function describeBreakEven({ label, breakEven }: DeploymentResult): string {
  const parts = Object.entries(breakEven).map(([operation, size]) =>
    size === null ? `${operation} at no size` : `${operation} from ${size} ${size === 1 ? "key" : "keys"}`,
  );
  return `${label}: batches are faster than single calls: ${parts.join(", ")}`;
}
