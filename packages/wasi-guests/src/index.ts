export { buildCommand, buildCommand03, buildForwarder, buildSessions, buildSessions03 } from "./build-component.js";
export { type Package, packageOf, readSignatures, type Shape } from "./signatures.js";
