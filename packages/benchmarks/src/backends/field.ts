import type { Link } from "../distance/link.js";
import type { Contender } from "../measure/contender.js";
import type { Field } from "./backend.js";

/** Contenders that are closed together, and the link after them. */
export function field(contenders: readonly Contender[], link?: Link): Field {
  return {
    contenders,
    ...(link && { link }),
    [Symbol.asyncDispose]: async () => {
      for (const contender of contenders) await contender.close();
      await link?.[Symbol.asyncDispose]();
    },
  };
}
