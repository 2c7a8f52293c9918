import { StoreError } from "@manykv/core";

/** The URL before its query, and its query. Only split, not parsed: each backend has its own rules for addresses. */
export function splitUrl(url: string): { address: string; parameters: URLSearchParams } {
  const mark = url.indexOf("?");
  if (mark === -1) return { address: url, parameters: new URLSearchParams() };
  return { address: url.slice(0, mark), parameters: new URLSearchParams(url.slice(mark + 1)) };
}

/** Takes a parameter out of the query. It may stand there once, and not be empty. */
export function takeParameter(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name);
  if (values.length === 0) return undefined;
  const [value] = values;
  if (values.length > 1 || value === undefined || value === "") {
    throw new StoreError(
      "invalid-argument",
      `openStore: give the URL parameter "${name}" once, and with a value`,
    );
  }
  parameters.delete(name);
  return value;
}

/** Refuses what is left in the query. */
export function refuseOthers(parameters: URLSearchParams, known: readonly string[]): void {
  for (const name of parameters.keys()) {
    const advice =
      known.length === 0 ? "it takes none" : `it takes ${known.map((one) => `"${one}"`).join(", ")}`;
    throw new StoreError(
      "invalid-argument",
      `openStore: unknown parameter ${JSON.stringify(name)} in the URL; ${advice}`,
    );
  }
}
