/** The imports of `wasmcloud:keyvalue@0.2.0`. */
import { environmentImports, type ImportedInterface } from "../environment-imports.js";

const interfaceOf = environmentImports("wasmcloud-0.2", "jspi");

export const types: ImportedInterface = interfaceOf("types");
export const store: ImportedInterface = interfaceOf("store");
export const atomics: ImportedInterface = interfaceOf("atomics");
export const cas: ImportedInterface = interfaceOf("cas");
export const batch: ImportedInterface = interfaceOf("batch");
export type { ImportedInterface };
