import type { StartOptions } from "@manykv/test-services";

/** Campaigns print their own table. */
export const silent: StartOptions = { print: () => {} };
