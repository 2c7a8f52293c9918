import { CommandError, exitCode, hasCode } from "../errors.js";

export type Conformance = typeof import("@manykv/conformance") & typeof import("@manykv/conformance/report");

/** Loads the suite. It is an optional package, because only authors and operators of backends need it. */
export async function loadConformance(): Promise<Conformance> {
  try {
    return { ...(await import("@manykv/conformance")), ...(await import("@manykv/conformance/report")) };
  } catch (error) {
    if (!hasCode(error, "ERR_MODULE_NOT_FOUND")) throw error;
    throw new CommandError(
      exitCode.usage,
      "this subcommand needs @manykv/conformance, which is not installed. Run this where manykv is installed, with --global if it is installed globally: npm install @manykv/conformance",
    );
  }
}
