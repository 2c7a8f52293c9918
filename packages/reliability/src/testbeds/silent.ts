import type { StartOptions } from "@manykv/test-services";

/** A campaign prints a table of its own. */
export const silent: StartOptions = { print: () => {} };
