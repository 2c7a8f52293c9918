import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { count, elapsed, figure, figures, type Spread, spread } from "@manykv/measure";
import type { BackendName } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { openLink } from "../distance/link.js";
import { type Comparison, compare } from "../measure/compare.js";
import { makeWorkload, type Shape } from "../measure/workload.js";
import { comparisonTable, markdownOf } from "../report.js";
import { type Limits, samplingOf } from "./acceptance.js";

const shape: Shape = { keys: 1_000, bytes: 100, hits: "all" };

/** Round trips that a contender needs to read one batch. */
interface RoundTrips {
  readonly contender: string;
  readonly roundTrips: number;
  /** Number of round trips on the busiest connection. These round trips cannot overlap. */
  readonly longestChain: number;
}

export interface Distance {
  /** Milliseconds: the requested delay, and the round-trip time of one byte without and with the link. */
  readonly delay: { readonly asked: number; readonly direct: Spread; readonly delayed: Spread };
  readonly comparisons: readonly (Comparison & {
    readonly backend: BackendName;
    readonly roundTrips: readonly RoundTrips[];
  })[];
}

/** Compares a batch with single calls over a link that delays each round trip. */
export async function runDistance(
  names: readonly BackendName[],
  delay: number,
  limits: Limits,
  progress: (text: string) => void,
): Promise<Distance> {
  const measured = { asked: delay, ...(await measureDelay(delay)) };
  progress(
    `A round trip takes ${figures(measured.direct)} ms directly, and ${figures(measured.delayed)} ms over the link.\n`,
  );
  const comparisons: (Comparison & { backend: BackendName; roundTrips: RoundTrips[] })[] = [];
  for (const name of names) {
    const { title, keysPerSample, start } = backends[name];
    await using running = await start();
    if (!running.address || !running.contendersOver) continue;
    await using link = await openLink(running.address.host, running.address.port, delay);
    await using set = await running.contendersOver(link);
    const comparison = await compare(set.contenders, shape, {
      ...samplingOf(shape, keysPerSample, { warmUpRounds: 10, ...limits }),
      ...(running.cleanUp && { cleanUp: running.cleanUp }),
    });
    const roundTrips: RoundTrips[] = [];
    for (const contender of set.contenders) {
      const calls = await contender.prepare(makeWorkload(shape, 0));
      await calls.set?.();
      await link.counts();
      await calls.get?.();
      roundTrips.push({ contender: contender.name, ...(await link.counts()) });
      await calls.delete?.();
    }
    progress(
      [
        comparisonTable(`${title}, over the link`, comparison),
        ...roundTrips.map(
          (each) =>
            `  ${each.contender}: get takes ${count(each.roundTrips)} round trips, ${count(each.longestChain)} of them one after the other`,
        ),
        "",
      ].join("\n"),
    );
    comparisons.push({ backend: name, ...comparison, roundTrips });
  }
  return { delay: measured, comparisons };
}

/** Measures the round-trip time without and with a link, because timers fire later than requested. */
async function measureDelay(delay: number): Promise<{ direct: Spread; delayed: Spread }> {
  const echo = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const { port } = echo.address() as AddressInfo;
  await using link = await openLink("127.0.0.1", port, delay);
  const result = { direct: await roundTrip(port), delayed: await roundTrip(link.port) };
  echo.close();
  return result;
}

async function roundTrip(port: number): Promise<Spread> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  const times: number[] = [];
  for (let turn = 0; turn < 200; turn++) {
    const echoed = async (): Promise<unknown> => {
      socket.write("x");
      return once(socket, "data");
    };
    times.push(await elapsed(echoed));
  }
  socket.destroy();
  return spread(times);
}

/** Returns the table for docs/performance.md, with the median time to read all keys, in milliseconds. */
export function distanceMarkdown({ comparisons }: Distance): string {
  return markdownOf(
    [`reading ${count(shape.keys)} keys`, "`getMany`", "`get`, coalesced", "`get` at once", "round trips of `getMany`"],
    comparisons.map(({ backend, timings, roundTrips }) => [
      backends[backend].title,
      ...["manykv", "manykv, coalesced", "manykv, key by key"].map((name) => {
        const timing = timings.find((each) => each.contender === name && each.operation === "get");
        return timing ? figure(spread(timing.times).median) : "?";
      }),
      count(roundTrips.find(({ contender }) => contender === "manykv")?.roundTrips ?? Number.NaN),
    ]),
  );
}
