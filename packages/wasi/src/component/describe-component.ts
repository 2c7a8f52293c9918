import { StoreError } from "@manykv/core";
import { shapeFunctions, shapes } from "../shapes/functions.js";
import type { Shape } from "../shapes/shape.js";

/** What a component imports and exports. */
export interface ComponentDescription {
  /** The shape of the interface that the component imports, or `undefined` if it imports none. */
  readonly shape: Shape | undefined;
  /** The interfaces that the component imports, such as `wasi:keyvalue/store@0.2.0-draft2`. */
  readonly imports: readonly string[];
  /** The interfaces and functions that the component exports, such as `wasi:cli/run@0.2.6` or `greet`. */
  readonly exports: readonly string[];
}

/** The declarations that the transpiler writes, by the name of their file. */
export type Declarations = ReadonlyMap<string, string>;

/**
 * Describes a component.
 *
 * @param wit - its world, which has no signatures of imported functions
 * @throws {StoreError} `unsupported` if the component imports a version of the interface that no shape matches.
 */
export function describeComponent(wit: string, declarations: Declarations): ComponentDescription {
  const imports = namesAfter("import", wit);
  return { shape: shapeOf(imports, declarations), imports, exports: namesAfter("export", wit) };
}

function namesAfter(keyword: "import" | "export", wit: string): string[] {
  const world = /^world root \{$(.*?)^\}$/ms.exec(wit)?.[1] ?? "";
  const items = world.matchAll(new RegExp(`^  ${keyword} %?([^\\s;]+?)(?:;|: )`, "gm"));
  return Array.from(items, ([, name = ""]) => name);
}

function shapeOf(imports: readonly string[], declarations: Declarations): Shape | undefined {
  const packages = new Set(
    imports.flatMap((name) => /^(.+:keyvalue)\/[^@]+(@.+)?$/.exec(name)?.slice(1).join("") ?? []),
  );
  if (packages.size > 1) throw unsupported(`imports several versions of the interface: ${[...packages].join(", ")}`);
  const [name] = packages;
  if (name === undefined) return undefined;
  const found = shapes.filter((shape) => packageOf(shape) === name);
  if (found.length === 0) {
    const known = [...new Set(shapes.map(packageOf))].join(", ");
    throw unsupported(`imports ${name}, and this host has ${known}`);
  }
  return found.length === 1 ? found[0] : draft2Of(declarations);
}

function packageOf(shape: Shape): string {
  const { package: name, version } = shapeFunctions[shape];
  return `${name}@${version}`;
}

/** Two incompatible shapes have the same version, and the type of `get-many` tells which one a component imports. */
function draft2Of(declarations: Declarations): Shape {
  const batch = declarations.get("interfaces/wasi-keyvalue-batch.d.ts") ?? "";
  return /getMany\(.*\): Array<\[string, Uint8Array\] \| undefined>/.test(batch) ? "draft2-2024" : "draft2";
}

/** Returns the exported functions that may wait for a store, in the form that the transpiler expects. */
export function exportedFunctions(exports: readonly string[], declarations: Declarations): string[] {
  return exports.flatMap((name) => {
    const [, packageName, interfaceName] = /^(.+)\/([^@]+)/.exec(name) ?? [];
    if (packageName === undefined) return [name];
    const file = declarations.get(`interfaces/${packageName.replace(":", "-")}-${interfaceName}.d.ts`) ?? "";
    const functions = file.matchAll(/^export function '?(\w+)'?\(/gm);
    return Array.from(functions, ([, each = ""]) => `${packageName}/${interfaceName}#${toKebabCase(each)}`);
  });
}

function toKebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function unsupported(message: string): StoreError {
  return new StoreError("unsupported", `the component ${message}`);
}
