import type { BackendName, Track } from "../backends/backend.js";
import type { Operation } from "../measure/contender.js";
import { ratio, type Spread } from "../measure/statistics.js";
import { bars } from "./bars.js";
import type { Race, Report, Volume } from "./report.js";
import { plainTable } from "./terminal.js";
import { count, figure, mebibytes, size, spreadWords } from "./words.js";

/** A row of the acceptance table: what was measured, and what it must not be above. */
export interface Verdict {
  readonly backend: string;
  readonly what: string;
  readonly against: string;
  readonly most: string;
  /** Absent where it was not measured. */
  readonly measured: string | undefined;
  readonly passes: boolean | undefined;
}

/** A bar between the times of two contenders of one race. */
export interface RaceBar {
  readonly backend: BackendName;
  readonly track: Track;
  readonly keys: number;
  readonly bytes: number;
  readonly operation: Operation;
  readonly against: string;
  readonly most: number;
}

/** Compares a report with every bar. A miss is told, and nothing more: how fast a machine is decides no test. */
export function verdicts(report: Report): Verdict[] {
  return [
    ...bars.map((bar) => raceVerdict(bar, report.races)),
    ...report.races.flatMap(roundTripVerdicts),
    ...report.volumes.filter(({ backend }) => volumeBackends.has(backend)).flatMap(volumeVerdicts),
  ];
}

function raceVerdict(bar: RaceBar, races: readonly Race[]): Verdict {
  const measured = raceRatio(bar, races);
  return {
    backend: bar.backend,
    what: `${bar.operation}, ${count(bar.keys)} x ${size(bar.bytes)}${bar.track === "distance" ? ", with delay" : ""}`,
    against: bar.against,
    most: `${bar.most}`,
    measured: measured && spreadWords(measured),
    passes: measured && measured.median <= bar.most,
  };
}

function raceRatio(bar: RaceBar, races: readonly Race[]): Spread | undefined {
  const race = races.find(
    ({ backend, track, shape }) =>
      backend === bar.backend &&
      track === bar.track &&
      shape.keys === bar.keys &&
      shape.bytes === bar.bytes &&
      shape.hits === "all",
  );
  const times = (contender: string): readonly number[] | undefined =>
    race?.timings.find((timing) => timing.contender === contender && timing.operation === bar.operation)
      ?.times;
  const own = times("manykv");
  const others = times(bar.against);
  return own && others && ratio(own, others);
}

/** The least that a batch takes: one for each request that the engine's limits allow. */
const fewestRoundTrips: { readonly [backend in BackendName]?: (keys: number) => number } = {
  redis: () => 1,
  postgres: () => 1,
  dynamodb: (keys) => Math.ceil(keys / 100),
};

function roundTripVerdicts({ backend, shape, roundTrips = [] }: Race): Verdict[] {
  const fewest = fewestRoundTrips[backend]?.(shape.keys);
  const own = roundTrips.find(({ contender }) => contender === "manykv");
  if (fewest === undefined || own === undefined) return [];
  return [
    {
      backend,
      what: `round trips of getMany, ${count(shape.keys)} keys`,
      against: "the engine's least",
      most: `${fewest}`,
      measured: `${own.roundTrips}`,
      passes: own.roundTrips <= fewest,
    },
  ];
}

/** Those that the bars are for: memory keeps what it is given, and DynamoDB is not asked for a million. */
const volumeBackends: ReadonlySet<string> = new Set(["redis", "postgres"]);
const mostGrowth = 150 * 1_000_000;
const mostTime = 1.3;

function volumeVerdicts({ backend, keys, bytes, calls, whole, parts }: Volume): Verdict[] {
  return whole.flatMap(({ operation, growth, result, millisecondsPerKey }, index) => {
    const what = `${operation}, ${count(keys)} x ${size(bytes)} in one call`;
    const time = millisecondsPerKey / (parts[index]?.millisecondsPerKey ?? Number.NaN);
    return [
      {
        backend,
        what: `${what}: memory`,
        against: result === 0 ? "its input" : "its input and result",
        most: `${mebibytes(mostGrowth)} MiB`,
        measured: `${mebibytes(growth - result)} MiB`,
        passes: growth - result <= mostGrowth,
      },
      {
        backend,
        what: `${what}: time a key`,
        against: `${count(calls)} calls`,
        most: `${mostTime}`,
        measured: figure(time),
        passes: time <= mostTime,
      },
    ];
  });
}

export function verdictTable(all: readonly Verdict[]): string {
  return plainTable(
    ["backend", "what", "takes, of", "at most", "measured", ""],
    all.map(({ backend, what, against, most, measured, passes }) => [
      backend,
      what,
      against,
      most,
      measured ?? "not measured",
      passes === undefined ? "" : passes ? "pass" : "MISS",
    ]),
  );
}
