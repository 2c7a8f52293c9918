import type { ExitCode } from "../exit-code.js";

/** Makes a function that gives an exit code the action of a subcommand. */
export type Finish = <Parameters extends unknown[]>(
  run: (...parameters: Parameters) => Promise<ExitCode>,
) => (...parameters: Parameters) => Promise<void>;
