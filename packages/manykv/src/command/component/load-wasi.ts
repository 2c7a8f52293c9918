import { CommandError, exitCode, hasCode } from "../errors.js";

export type Wasi = typeof import("@manykv/wasi") &
  typeof import("@manykv/wasi/component") &
  typeof import("@manykv/wasi/server");

/** Loads the host for components. It is an optional package, because the transpiler that it needs is large. */
export async function loadWasi(): Promise<Wasi> {
  try {
    return {
      ...(await import("@manykv/wasi")),
      ...(await import("@manykv/wasi/component")),
      ...(await import("@manykv/wasi/server")),
    };
  } catch (error) {
    if (!hasCode(error, "ERR_MODULE_NOT_FOUND")) throw error;
    throw new CommandError(
      exitCode.usage,
      "this subcommand needs packages that are not installed. Run this where manykv is installed, with --global if it is installed globally: npm install @manykv/wasi @bytecodealliance/jco-transpile@0.15 @bytecodealliance/preview2-shim@0.26",
    );
  }
}
