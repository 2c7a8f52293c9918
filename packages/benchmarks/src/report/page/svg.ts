import type { BarSeriesOption, CustomSeriesOption, LineSeriesOption } from "echarts/charts";
import { BarChart, CustomChart, LineChart } from "echarts/charts";
import type { GridComponentOption, LegendComponentOption, TitleComponentOption } from "echarts/components";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { type ComposeOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, CustomChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export type ChartOption = ComposeOption<
  | BarSeriesOption
  | CustomSeriesOption
  | LineSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | TitleComponentOption
>;

const width = 880;

/** Draws a chart as text: the page needs neither a script nor the network. */
export function svg(option: ChartOption, height: number): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption({ animation: false, textStyle: { fontFamily: "system-ui, sans-serif" }, ...option });
  const text = chart.renderToSVGString();
  chart.dispose();
  // It scales with the page instead of keeping its width.
  return text.replace(/^<svg width="\d+" height="\d+"/, "<svg");
}
