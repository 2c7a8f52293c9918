/** CPU time of this process with all its threads, in milliseconds. */
export function processCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

interface ThreadCpuUsage {
  /** Node 23.9 and later. */
  readonly threadCpuUsage?: () => NodeJS.CpuUsage;
}

/** Measures the CPU time that the main thread uses between two calls of `lap`. */
export class MainThreadClock {
  readonly #thread = (process as ThreadCpuUsage).threadCpuUsage?.bind(process);
  #cpu = 0;
  #elapsed = 0;

  constructor() {
    this.lap();
  }

  /**
   * Returns the milliseconds since the previous call. Older versions of Node count the CPU time of all threads, garbage
   * collection and compilation included. The main thread's part of it is at most the elapsed time, so the smaller of
   * the two is an upper bound.
   */
  lap(): number {
    const cpu = this.#threadOrProcess();
    const elapsed = performance.now();
    const result = Math.min(cpu - this.#cpu, elapsed - this.#elapsed);
    this.#cpu = cpu;
    this.#elapsed = elapsed;
    return result;
  }

  #threadOrProcess(): number {
    if (this.#thread === undefined) return processCpu();
    const { user, system } = this.#thread();
    return (user + system) / 1_000;
  }
}
