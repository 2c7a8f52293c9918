import type { Kind, Operation } from "../../measure/contender.js";

/** Told apart also by those who see no red or green: https://jfly.uni-koeln.de/color/ */
export const operationColours: { readonly [operation in Operation]: string } = {
  set: "#0072b2",
  get: "#e69f00",
  delete: "#009e73",
};

const byKind: { readonly [kind in Kind]: readonly string[] } = {
  manykv: ["#0072b2", "#56b4e9", "#004466"],
  client: ["#e69f00", "#a66f00"],
  peer: ["#cc79a7", "#d55e00"],
  floor: ["#777777", "#aaaaaa"],
};

/** A colour for each contender, by what it stands for. */
export function contenderColours(contenders: ReadonlyMap<string, Kind>): Map<string, string> {
  const used = new Map<Kind, number>();
  return new Map(
    Array.from(contenders, ([name, kind]) => {
      const turn = used.get(kind) ?? 0;
      used.set(kind, turn + 1);
      return [name, byKind[kind][turn % byKind[kind].length] ?? "#000000"];
    }),
  );
}
