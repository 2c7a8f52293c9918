import { readSignatures, type Shape } from "@manykv/wasi-guests";
import { expect, test } from "vitest";
import { shapeFunctions } from "../src/shapes/functions.js";
import type { Caller } from "../src/shapes/shape.js";
import { wasiKeyvalue } from "../src/shapes/wasi-keyvalue.js";
import { wasmcloudKeyvalue } from "../src/shapes/wasmcloud-keyvalue.js";

const caller: Caller = { call: () => ({ value: undefined as never }), check: () => undefined };

/** Returns the functions of each interface in the signatures, as the component model names them. */
function functionsIn(signatures: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [, name = "", body = ""] of signatures.matchAll(/^interface (\S+) \{$(.*?)^\}/gms)) {
    let resource = "";
    const functions: string[] = [];
    for (const line of body.split("\n")) {
      resource = /^ {2}resource (\S+) \{/.exec(line)?.[1] ?? (/^ {2}\}/.test(line) ? "" : resource);
      const [, each, modifier = ""] = /^ +(\S+): (static |async )?func\(/.exec(line) ?? [];
      if (each === undefined) continue;
      const kind = modifier === "static " ? "static" : "method";
      functions.push(resource === "" ? each : `[${kind}]${resource}.${each}`);
    }
    found[name] = functions;
  }
  return found;
}

const camelCase = (name: string): string => name.replace(/-[a-z]/g, (match) => match.slice(1).toUpperCase());

test.each<Shape>(["draft", "draft2-2024", "draft2", "wasmcloud-0.2"])("the host has every function of %s", (shape) => {
  const { package: name, functions } = shapeFunctions[shape];
  const signatures = functionsIn(readSignatures(shape));
  expect(Object.values(signatures).flat().length).toBeGreaterThanOrEqual(10);
  expect(functions).toEqual(signatures);
  const imports = shape === "wasmcloud-0.2" ? wasmcloudKeyvalue(caller) : wasiKeyvalue(shape, caller);
  for (const [interfaceName, names] of Object.entries(signatures)) {
    const provided = imports[`${name}/${interfaceName}`] as Record<string, { prototype: Record<string, unknown> }>;
    for (const each of names) {
      const [, kind, resource = "", method = ""] = /^\[(\w+)\](\w+)\.(.+)$/.exec(each) ?? [];
      const owner = provided[resource.charAt(0).toUpperCase() + resource.slice(1)];
      const found =
        kind === undefined
          ? provided[camelCase(each)]
          : Object(kind === "static" ? owner : owner?.prototype)[camelCase(method)];
      expect(found, `${interfaceName}: ${each}`).toBeTypeOf("function");
    }
  }
});
