import { type Markup, markup } from "@manykv/page";
import { type ScaleLogarithmic, scaleLog } from "d3-scale";
import { area, line } from "d3-shape";

/** A chart with logarithmic axes: figures by batch size. */
export interface Chart {
  /** Id of the element that names the chart. */
  readonly titleId: string;
  /** What a reader sees in the chart, in words. */
  readonly description: string;
  readonly lines: readonly ChartLine[];
  /** Sizes and figures that the axes must include, so that the charts of a page have the same axes. */
  readonly sizes: readonly number[];
  readonly extent: readonly [number, number];
  readonly formatFigure: (figure: number) => string;
}

/** What a line shows: batches, single calls, or the plain round trip. The style of the page draws each in another way. */
export type LineKind = "batch" | "single" | "trip";

export interface ChartLine {
  readonly kind: LineKind;
  /** Number of the deployment, which selects the color. */
  readonly color: number;
  /** Text at the end of the line. Without it, the line has no label. */
  readonly label: string | undefined;
  readonly points: readonly Point[];
  /** Size from which batches are faster than single calls, marked with a ring. */
  readonly breakEven: number | undefined;
}

export interface Point {
  readonly size: number;
  readonly figure: number;
  /** The 5th and the 95th percentile. */
  readonly spread?: readonly [low: number, high: number];
  /** The exact figure in words, which browsers show if the pointer is over the point. */
  readonly title?: string;
}

/** In the units of the drawing. On a phone and beside other charts, one unit is about one pixel. */
const width = 380;
const height = 290;
const plot = { left: 54, right: width - 88, top: 10, bottom: height - 44 };
const labelHeight = 14;

type Scale = ScaleLogarithmic<number, number>;

export function chartOf({ titleId, description, lines, sizes, extent, formatFigure }: Chart): Markup {
  const x = scaleOf(sizes, [plot.left, plot.right]);
  const y = scaleOf([extent[0] / 1.25, extent[1] * 1.25], [plot.bottom, plot.top]);
  const descriptionId = `${titleId}-description`;
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${titleId}" aria-describedby="${descriptionId}">
<desc id="${descriptionId}">${description}</desc>
${ticksOf(y, 4).map((tick) => yTick(rounded(y(tick)), formatFigure(tick)))}
${ticksOf(x, 4).map((tick) => xTick(rounded(x(tick)), tick.toLocaleString("en-US")))}
<text class="axis" x="${(plot.left + plot.right) / 2}" y="${height - 6}" text-anchor="middle">keys in a batch</text>
${lines.map((each) => bandOf(each, x, y))}
${lines.map((each) => pathOf(each, x, y))}
${labelsOf(lines, x, y)}
</svg>`;
}

function scaleOf(figures: readonly number[], range: readonly [number, number]): Scale {
  const [low, high] = [Math.min(...figures), Math.max(...figures)];
  return scaleLog(low === high ? [low / 2, high * 2] : [low, high], range);
}

/** Returns the figures that an axis names. The format of d3 leaves others blank, because their labels would overlap. */
function ticksOf(scale: Scale, count: number): readonly number[] {
  const format = scale.tickFormat(count);
  return scale.ticks(count).filter((tick) => format(tick) !== "");
}

function yTick(y: number, label: string): Markup {
  return markup`<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${y}" y2="${y}"/><text class="axis" x="${plot.left - 8}" y="${y + 4}" text-anchor="end">${label}</text>\n`;
}

function xTick(x: number, label: string): Markup {
  return markup`<line class="grid" x1="${x}" x2="${x}" y1="${plot.top}" y2="${plot.bottom}"/><text class="axis" x="${x}" y="${plot.bottom + 18}" text-anchor="middle">${label}</text>\n`;
}

function bandOf({ color, points }: ChartLine, x: Scale, y: Scale): Markup | undefined {
  const spread = points.filter((point) => point.spread !== undefined);
  if (spread.length === 0) return undefined;
  const path = area<Point>()
    .digits(1)
    .x(({ size }) => x(size))
    .y0((point) => y(point.spread?.[0] as number))
    .y1((point) => y(point.spread?.[1] as number));
  return markup`<path class="band color-${color}" d="${path(spread) ?? ""}"/>\n`;
}

function pathOf({ kind, color, points, breakEven }: ChartLine, x: Scale, y: Scale): Markup {
  const path = line<Point>()
    .digits(1)
    .x(({ size }) => x(size))
    .y(({ figure }) => y(figure));
  const dots = kind === "batch" ? points : [];
  return markup`<g class="${kind} color-${color}"><path class="line" d="${path([...points]) ?? ""}"/>${dots.map(
    ({ size, figure, title }) =>
      markup`<circle${size === breakEven && markup` class="break-even"`} cx="${rounded(x(size))}" cy="${rounded(y(figure))}" r="${size === breakEven ? 6 : 3}">${title !== undefined && markup`<title>${title}</title>`}</circle>`,
  )}</g>\n`;
}

/** Places the labels beside the ends of their lines, below each other if they would overlap. */
function labelsOf(lines: readonly ChartLine[], x: Scale, y: Scale): readonly Markup[] {
  const labels = lines.flatMap(({ label, kind, color, points }) => {
    const last = points.at(-1);
    return label === undefined || last === undefined
      ? []
      : [{ label, kind, color, x: x(last.size), y: y(last.figure) }];
  });
  const sorted = labels.sort((one, other) => one.y - other.y);
  const places: number[] = [];
  for (const { y: wanted } of sorted) places.push(Math.max(wanted, (places.at(-1) ?? -Infinity) + labelHeight));
  let lowest = plot.bottom;
  for (let index = places.length - 1; index >= 0; index--) {
    places[index] = Math.min(places[index] as number, lowest);
    lowest = (places[index] as number) - labelHeight;
  }
  return sorted.map(
    ({ label, kind, color, x: end }, index) =>
      markup`<text class="label ${kind} color-${color}" x="${rounded(end) + 9}" y="${rounded(places[index] as number) + 4}">${label}</text>\n`,
  );
}

function rounded(coordinate: number): number {
  return Math.round(coordinate * 10) / 10;
}
