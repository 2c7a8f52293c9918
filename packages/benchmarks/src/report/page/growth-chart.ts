import type { Kind, Operation } from "../../measure/contender.js";
import type { Shape } from "../../measure/lot.js";
import { spread } from "../../measure/statistics.js";
import type { Race } from "../report.js";
import { count, figure } from "../words.js";
import { contenderColours } from "./colours.js";
import { svg } from "./svg.js";

const height = 360;

/** How the cost of a key changes with one side of the shape: microseconds for each key, both axes logarithmic. */
export function growthChart(races: readonly Race[], operation: Operation, side: "keys" | "bytes"): string {
  const contenders = new Map<string, Kind>();
  for (const { timings } of races) for (const { contender, kind } of timings) contenders.set(contender, kind);
  const colours = contenderColours(contenders);
  const ordered = [...races].sort((left, right) => left.shape[side] - right.shape[side]);
  return svg(
    {
      title: { text: operation, left: 0, textStyle: { fontSize: 14 } },
      legend: { top: 2, left: 80 },
      grid: { left: 70, right: 30, top: 64, bottom: 50 },
      xAxis: {
        type: "log",
        name: side === "keys" ? "keys of a batch" : "bytes of a value",
        nameLocation: "middle",
        nameGap: 28,
        axisLabel: { formatter: (value: number) => count(value) },
      },
      yAxis: { type: "log", name: "us a key", axisLabel: { formatter: (value: number) => figure(value) } },
      series: Array.from(contenders.keys(), (name) => ({
        type: "line" as const,
        name,
        symbolSize: 7,
        itemStyle: { color: colours.get(name) ?? "#000000" },
        lineStyle: { width: name === "manykv" ? 3 : 1.5 },
        data: ordered.flatMap((race) => pointOf(race, name, operation, race.shape[side])),
      })),
    },
    height,
  );
}

function pointOf(race: Race, contender: string, operation: Operation, x: number): [number, number][] {
  const timing = race.timings.find((each) => each.contender === contender && each.operation === operation);
  return timing === undefined ? [] : [[x, (spread(timing.times).median / race.shape.keys) * 1000]];
}

/** Races that differ in nothing but one side of their shape, where there are three sizes or more of it. */
export function growthGroups(races: readonly Race[], side: "keys" | "bytes"): Race[][] {
  const groups = new Map<string, Race[]>();
  for (const race of races) {
    const rest: Partial<Shape> = { ...race.shape, [side]: 0 };
    const key = JSON.stringify([race.backend, rest]);
    groups.set(key, [...(groups.get(key) ?? []), race]);
  }
  return [...groups.values()].filter((group) => group.length >= 3);
}
