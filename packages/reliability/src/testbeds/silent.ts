import type { StartOptions } from "@manykv/test-services";

/** Start option that suppresses the output of services, because campaigns print their own results. */
export const silent: StartOptions = { print: () => {} };
