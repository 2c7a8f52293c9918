export type { ComponentDescription } from "./component/describe-component.js";
export { type Component, type Exports, type LoadOptions, loadComponent } from "./component/load-component.js";
export { ComponentExit, type WasiOptions, wasiImports } from "./component/wasi-imports.js";
