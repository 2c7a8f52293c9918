import type { Campaign } from "./campaign.js";
import { canaries } from "./canaries.js";
import { capacityFaults } from "./capacity-faults.js";
import { contention } from "./contention.js";
import { expiry } from "./expiry.js";
import { gracefulFailovers, hardFailovers } from "./failovers.js";
import { malformedAnswers } from "./malformed-answers.js";
import { mixedLoad } from "./mixed-load.js";
import { networkFaults, oneConnectionFaults } from "./network-faults.js";
import { postgresSessions } from "./postgres-sessions.js";
import { serverKills } from "./server-kills.js";
import { sharedWriters } from "./shared-writers.js";
import { simulation } from "./simulation.js";
import { slotMigrations } from "./slot-migrations.js";
import { updates } from "./updates.js";
import { zombieWrites } from "./zombie-writes.js";

/** All campaigns, in the order of the results table. */
export const campaigns: readonly Campaign[] = [
  simulation,
  networkFaults,
  oneConnectionFaults,
  serverKills,
  gracefulFailovers,
  hardFailovers,
  slotMigrations,
  capacityFaults,
  sharedWriters,
  postgresSessions,
  updates,
  expiry,
  contention,
  zombieWrites,
  malformedAnswers,
  canaries,
  mixedLoad,
];
