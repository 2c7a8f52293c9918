import type { Link } from "../distance/link.js";
import type { Contender } from "../measure/contender.js";
import type { Field } from "./backend.js";

/** What contenders use, and is released after them. */
interface Ground {
  readonly link?: Link;
  readonly tables?: AsyncDisposable;
}

/** Contenders that are closed together. */
export function field(contenders: readonly Contender[], { link, tables }: Ground = {}): Field {
  return {
    contenders,
    ...(link && { link }),
    [Symbol.asyncDispose]: async () => {
      for (const contender of contenders) await contender.close();
      await link?.[Symbol.asyncDispose]();
      await tables?.[Symbol.asyncDispose]();
    },
  };
}
