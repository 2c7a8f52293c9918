import { type Profiler, Session } from "node:inspector/promises";

/** How often it is looked where the program is, in microseconds. */
const interval = 100;

/** Adds up, over several pieces of work, the time spent in each function's own code, not in what it calls. */
export class SelfTimes implements AsyncDisposable {
  /** Milliseconds by function. */
  readonly times: Map<string, number> = new Map();
  readonly #session: Session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.setSamplingInterval", { interval });
  }

  async during(work: () => Promise<void>): Promise<void> {
    await this.#session.post("Profiler.start");
    await work();
    const { profile } = await this.#session.post("Profiler.stop");
    this.#add(profile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.disconnect();
  }

  #add({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): void {
    const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
    for (const [index, id] of samples.entries()) {
      const name = names.get(id) ?? "";
      // A delta is the time since the sample before, so the next one belongs to this function.
      const time = (timeDeltas[index + 1] ?? 0) / 1000;
      this.times.set(name, (this.times.get(name) ?? 0) + time);
    }
  }
}

function nameOf({ functionName, url, lineNumber }: Profiler.ProfileNode["callFrame"]): string {
  if (url === "") return functionName;
  const file = url.replace(/^.*\/node_modules\//, "").replace(/^.*\/packages\//, "");
  return `${functionName || "(anonymous)"}  ${file}:${lineNumber + 1}`;
}
