import { type Arena, type BackendName, type Field, TRACKS, type Track } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { measureDelay } from "../distance/measure-delay.js";
import { countRoundTrips } from "../distance/round-trips.js";
import type { Shape } from "../measure/lot.js";
import { race } from "../measure/race.js";
import type { DelayReport, Race, Volume } from "../report/report.js";
import { raceTable, volumeTable } from "../report/terminal.js";
import { runVolume } from "../volume/volume.js";
import { coreShape, distanceShape, type Plan, usualKeys, volumeBytes } from "./plan.js";

/** What a plan measured. */
export interface Findings {
  readonly servers: { [backend in BackendName]?: string };
  readonly races: Race[];
  readonly volumes: Volume[];
  delay?: DelayReport;
}

/** Carries out a plan, printing each table as it is ready. */
export async function run(plan: Plan): Promise<Findings> {
  const findings: Findings = { servers: {}, races: [], volumes: [] };
  if (plan.tracks.includes("distance")) {
    findings.delay = { asked: plan.delay, ...(await measureDelay(plan.delay)) };
  }
  for (const backend of plan.backends) {
    await using arena = await backends[backend].open();
    findings.servers[backend] = arena.server;
    for (const track of TRACKS) {
      if (plan.tracks.includes(track)) await tracks[track](plan, backend, arena, findings);
    }
  }
  return findings;
}

type RunTrack = (plan: Plan, backend: BackendName, arena: Arena, findings: Findings) => Promise<void>;

const tracks: { readonly [track in Track]: RunTrack } = {
  batch: async (plan, backend, arena, { races }) => {
    for (const shape of plan.shapes(backend)) {
      races.push(await runRace(plan, { backend, track: "batch", shape }, arena, await arena.batch()));
    }
  },
  core: async (plan, backend, arena, { races }) => {
    if (arena.core === undefined) return;
    races.push(await runRace(plan, { backend, track: "core", shape: coreShape }, arena, await arena.core()));
  },
  distance: async (plan, backend, arena, { races }) => {
    if (arena.distance === undefined) return;
    const heat = { backend, track: "distance", shape: distanceShape } as const;
    races.push(await runRace(plan, heat, arena, await arena.distance(plan.delay)));
  },
  volume: async ({ volumeKeys }, backend, arena, { volumes }) => {
    const keys = Math.min(volumeKeys, backends[backend].mostVolumeKeys);
    const task = { keys, bytes: volumeBytes };
    const calls = Math.ceil(keys / usualKeys);
    const whole = await runVolume({ ...task, calls: 1, place: await arena.volume() });
    const parts = await runVolume({ ...task, calls, place: await arena.volume() });
    const volume = { backend, ...task, calls, whole, parts };
    console.log(`\n${volumeTable(volume)}`);
    volumes.push(volume);
  },
};

async function runRace(
  plan: Plan,
  heat: { readonly backend: BackendName; readonly track: Track; readonly shape: Shape },
  arena: Arena,
  opened: Field,
): Promise<Race> {
  await using field = opened;
  // Key by key, a full table would take longer to fill than all the rest takes; and the link hides what it costs.
  const course = heat.track === "distance" ? { ...arena.course, background: 0 } : arena.course;
  const result = await race(field.contenders, heat.shape, plan.effort, course);
  const roundTrips = await countRoundTrips(field, heat.shape);
  const finished = { ...heat, ...result, ...(roundTrips.length > 0 && { roundTrips }) };
  console.log(`\n${raceTable(finished)}`);
  return finished;
}
