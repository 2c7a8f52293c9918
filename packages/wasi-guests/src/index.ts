export { buildCommand, buildForwarder, buildSessions } from "./build-component.js";
export { type Package, packageOf, readSignatures, type Shape } from "./signatures.js";
