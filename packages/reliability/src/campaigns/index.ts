import type { Campaign } from "./campaign.js";
import { networkFaults, oneConnectionFaults } from "./network-faults.js";
import { simulation } from "./simulation.js";

/** The rows of the table, in its order. */
export const campaigns: readonly Campaign[] = [simulation, networkFaults, oneConnectionFaults];
