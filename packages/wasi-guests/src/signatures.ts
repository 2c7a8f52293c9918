import { readFileSync } from "node:fs";

/** The shapes of the interface. Each has a file of signatures in `wit`. */
export type Shape = "draft" | "draft2-2024" | "draft2" | "wasmcloud-0.2";

/** Returns the signatures of a shape, as the repositories of the interface publish them. */
export function readSignatures(shape: Shape): string {
  return readFileSync(new URL(`../wit/${shape}.signatures.wit`, import.meta.url), "utf8");
}

/** A package of the interface, such as `wasi:keyvalue` with the version `0.2.0-draft2`. */
export interface Package {
  readonly name: string;
  readonly version: string;
}

export function packageOf(shape: Shape): Package {
  const [, name = "", version = ""] = /^package (\S+)@(\S+);$/m.exec(readSignatures(shape)) ?? [];
  return { name, version };
}

/** Returns the signatures as a package in braces, so that they can stand in a file with other packages. */
export function nestedSignatures(shape: Shape): string {
  const interfaces = readSignatures(shape).replace(/^world imports \{[^}]*\}/m, "");
  return `${interfaces.replace(/^package (.*);$/m, "package $1 {")}\n}\n`;
}
