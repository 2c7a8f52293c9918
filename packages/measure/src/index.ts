export { count, figure, figures } from "./figures.js";
export { type Machine, thisMachine } from "./machine.js";
export { elapsed, fewestRounds, inTurn, type RoundLimits, runRounds } from "./rounds.js";
export { lowestMedian, type Quantiles, quantiles, ratio, ratios, type Spread, shuffled, spread } from "./statistics.js";
export { textTable } from "./text-table.js";
