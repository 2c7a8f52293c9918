import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Instrumenter } from "@stryker-mutator/instrumenter";
import { hash, type Mutant } from "./mutant.js";

export interface Instrumented {
  /** The instrumented text of each file, by path from the root of the repository. */
  readonly files: ReadonlyMap<string, string>;
  readonly mutants: readonly Mutant[];
  /** Number of mutants that only change the text of a message. They are not in `mutants`. */
  readonly texts: number;
}

const ignore = (): void => {};
const logger = {
  isTraceEnabled: (): boolean => false,
  isDebugEnabled: (): boolean => false,
  isInfoEnabled: (): boolean => false,
  isWarnEnabled: (): boolean => false,
  isErrorEnabled: (): boolean => false,
  isFatalEnabled: (): boolean => false,
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  fatal: ignore,
};

/** Puts all mutants of the files into the files: each one is a branch that `__stryker__.activeMutant` takes. */
export async function instrument(root: string, paths: readonly string[]): Promise<Instrumented> {
  const sources = new Map<string, string>();
  for (const path of paths) sources.set(path, await readFile(join(root, path), "utf8"));
  const files = [...sources].map(([name, content]) => ({ name, content, mutate: true }));
  const options = { ignorers: [], excludedMutations: [], plugins: null };
  const result = await new Instrumenter(logger).instrument(files, options);
  const mutants: Mutant[] = [];
  const alike = new Map<string, number>();
  let texts = 0;
  for (const { id, fileName, mutatorName: mutator, location, replacement } of result.mutants) {
    const lines = (sources.get(fileName) ?? "").split("\n");
    const original = textAt(lines, location);
    if (isMessage(mutator, original)) {
      texts++;
      continue;
    }
    const text = (lines[location.start.line] ?? "").trim();
    const name = hash(fileName, text, mutator, original, replacement);
    const number = (alike.get(name) ?? 0) + 1;
    alike.set(name, number);
    mutants.push({
      id,
      key: `${name}-${number}`,
      file: fileName,
      line: location.start.line + 1,
      text,
      mutator,
      original,
      replacement,
    });
  }
  return { files: new Map(result.files.map(({ name, content }) => [name, content])), mutants, texts };
}

interface Position {
  readonly line: number;
  readonly column: number;
}

function textAt(
  lines: readonly string[],
  { start, end }: { readonly start: Position; readonly end: Position },
): string {
  const taken = lines.slice(start.line, end.line + 1);
  taken.push((taken.pop() ?? "").slice(0, end.column));
  return taken.join("\n").slice(start.column);
}

/** Whether a mutant only changes a text for people. Statements and expressions of an engine are not such texts. */
function isMessage(mutator: string, original: string): boolean {
  const engine =
    /\b(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|SET|BEGIN|WHERE|FROM|AND|KEYS|redis\.call)\b|#\w|\n/;
  return mutator === "StringLiteral" && /\S \S|\w /.test(original) && !engine.test(original);
}
