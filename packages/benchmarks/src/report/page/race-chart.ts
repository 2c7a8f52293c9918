import type { CustomSeriesOption } from "echarts/charts";
import { OPERATIONS, type Operation } from "../../measure/contender.js";
import { type Spread, spread } from "../../measure/statistics.js";
import type { Race } from "../report.js";
import { figure } from "../words.js";
import { operationColours } from "./colours.js";
import { type ChartOption, svg } from "./svg.js";

/** Pixels for a bar with its share of the gaps. */
const rowHeight = 20;
const frameHeight = 90;
/** Between bars of a category, in their widths, and between categories. */
const gaps = { barGap: "15%", barCategoryGap: "25%" };

/** The median time of every contender by operation, with whiskers from the first quartile to the third. */
export function raceChart(race: Race): string {
  const names = [...new Set(race.timings.map(({ contender }) => contender))];
  const operations = OPERATIONS.filter((operation) =>
    race.timings.some((timing) => timing.operation === operation),
  );
  const option: ChartOption = {
    legend: { top: 0, data: [...operations] },
    grid: { left: 150, right: 60, top: 32, bottom: 40 },
    xAxis: { type: "value", name: "ms", nameLocation: "middle", nameGap: 26 },
    yAxis: { type: "category", data: names, inverse: true },
    series: operations.flatMap((operation, index) => {
      const spreads = names.map((name) => spreadOf(race, name, operation));
      return [
        {
          type: "bar",
          ...gaps,
          name: operation,
          itemStyle: { color: operationColours[operation] },
          data: spreads.map((each) => each?.median ?? "-"),
        },
        whiskers(spreads, index, operations.length),
      ];
    }),
  };
  return svg(option, frameHeight + names.length * operations.length * rowHeight);
}

function spreadOf(race: Race, contender: string, operation: Operation): Spread | undefined {
  const timing = race.timings.find((each) => each.contender === contender && each.operation === operation);
  return timing && spread(timing.times);
}

/** A whisker on the middle of each bar, and the median behind it. */
function whiskers(spreads: readonly (Spread | undefined)[], index: number, bars: number): CustomSeriesOption {
  return {
    type: "custom",
    silent: true,
    z: 5,
    renderItem: (_parameters, api) => {
      const [row, low, high, median] = [0, 1, 2, 3].map((dimension) => Number(api.value(dimension))) as [
        number,
        number,
        number,
        number,
      ];
      const [left, middle] = api.coord([low, row]) as [number, number];
      const [right] = api.coord([high, row]) as [number, number];
      const y = middle + (api.barLayout?.({ count: bars, ...gaps })?.[index]?.offsetCenter ?? 0);
      return {
        type: "group",
        children: [
          {
            type: "line",
            shape: { x1: left, y1: y, x2: right, y2: y },
            style: { stroke: "#222222", lineWidth: 1.5 },
          },
          {
            type: "text",
            x: right + 6,
            y,
            style: { text: figure(median), fontSize: 10, fill: "#222222", verticalAlign: "middle" },
          },
        ],
      };
    },
    data: spreads.flatMap((each, row) =>
      each === undefined ? [] : [[row, each.low, each.high, each.median]],
    ),
    encode: { x: [1, 2], y: 0 },
  };
}
