export { type ComponentServer, type ServeOptions, serveComponent } from "./http/serve-component.js";
