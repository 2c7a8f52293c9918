import type { Shape } from "./shape.js";

interface ShapeFunctions {
  /** The package with its version, as components import it. */
  readonly package: string;
  readonly version: string;
  /** The functions of each interface, as the component model names them. */
  readonly functions: Readonly<Record<string, readonly string[]>>;
}

const bucketMethods = ["get", "set", "delete", "exists", "list-keys"].map((name) => `[method]bucket.${name}`);
const batch = ["get-many", "set-many", "delete-many"];
const atomics = ["[static]cas.new", "[method]cas.current", "increment", "swap"];

function wasi(version: string, atomicsOfVersion: readonly string[]): ShapeFunctions {
  const functions = { store: ["open", ...bucketMethods], atomics: atomicsOfVersion, batch };
  return { package: "wasi:keyvalue", version, functions };
}

/** The functions of each shape. */
export const shapeFunctions: Readonly<Record<Shape, ShapeFunctions>> = {
  draft: wasi("0.2.0-draft", ["increment"]),
  "draft2-2024": wasi("0.2.0-draft2", atomics),
  draft2: wasi("0.2.0-draft2", atomics),
  "wasmcloud-0.2": {
    package: "wasmcloud:keyvalue",
    version: "0.2.0",
    functions: { types: bucketMethods, store: ["open"], atomics: ["increment"], cas: ["current", "swap"], batch },
  },
};

export const shapes: readonly Shape[] = Object.keys(shapeFunctions) as Shape[];

/** Functions of `wasi:keyvalue` that send no request: `cas.current` returns what `cas.new` read. */
const immediate = ["open", "[method]cas.current"];

/** Returns the functions of a shape that wait for a store, in the form `wasi:keyvalue/batch#get-many`. */
export function waitingFunctions(shape: Shape): string[] {
  const { package: name, functions } = shapeFunctions[shape];
  // Transpilers know from its types that this package is asynchronous.
  if (shape === "wasmcloud-0.2") return [];
  return Object.entries(functions).flatMap(([interfaceName, names]) =>
    names.filter((each) => !immediate.includes(each)).map((each) => `${name}/${interfaceName}#${each}`),
  );
}
