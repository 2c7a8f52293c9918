/** The tools with which this package runs local servers, for tests that need programs other than the four services. */
export { freePort, freePorts } from "./free-port.js";
export { type RunningServer, runServer, type ServerRecipe } from "./run-server.js";
export { type Supervisor, withSupervisor } from "./supervisor.js";
export type { ServerSpecification } from "./supervisor-messages.js";
