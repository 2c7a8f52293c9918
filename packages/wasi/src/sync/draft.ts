/** The imports of `wasi:keyvalue@0.2.0-draft` for components that were transpiled without JSPI. */
import { environmentImports, type ImportedInterface } from "../environment-imports.js";

const interfaceOf = environmentImports("draft", "sync");

export const store: ImportedInterface = interfaceOf("store");
export const atomics: ImportedInterface = interfaceOf("atomics");
export const batch: ImportedInterface = interfaceOf("batch");
export type { ImportedInterface };
