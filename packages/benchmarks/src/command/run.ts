import type { Arena, Backend, Track } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import type { Shape } from "../measure/lot.js";
import { type RaceResult, race } from "../measure/race.js";
import type { Race } from "../report/report.js";
import { raceTable } from "../report/terminal.js";
import type { Plan } from "./plan.js";

/** Runs the races of a plan, printing each as it ends. */
export async function runRaces(plan: Plan): Promise<{ races: Race[]; servers: Record<string, string> }> {
  const races: Race[] = [];
  const servers: Record<string, string> = {};
  for (const name of plan.backends) {
    const backend = backends[name];
    if (backend === undefined) continue;
    await using arena = await backend.open();
    servers[name] = arena.server;
    for (const [track, shape] of heats(plan, backend, arena)) {
      const result = { backend: name, track, ...(await runHeat(arena, track, shape, plan)) };
      console.log(`\n${raceTable(result)}`);
      races.push(result);
    }
  }
  return { races, servers };
}

/** Core's own cost shows in a batch of one key; over a slow link one size tells enough. */
const trackShapes: { readonly [track in Track]?: readonly Shape[] } = {
  core: [{ keys: 1, bytes: 100, hits: "all" }],
  distance: [{ keys: 1_000, bytes: 100, hits: "all" }],
};

function heats(plan: Plan, backend: Backend, arena: Arena): [Track, Shape][] {
  return plan.tracks
    .filter((track) => arena.tracks[track] !== undefined)
    .flatMap((track) =>
      (trackShapes[track] ?? plan.shapes)
        .filter(({ keys }) => keys <= backend.mostKeys)
        .map((shape): [Track, Shape] => [track, shape]),
    );
}

async function runHeat(arena: Arena, track: Track, shape: Shape, plan: Plan): Promise<RaceResult> {
  const contenders = (await arena.tracks[track]?.()) ?? [];
  try {
    return await race(contenders, shape, plan.effort, arena.course);
  } finally {
    for (const contender of contenders) await contender.close();
  }
}
