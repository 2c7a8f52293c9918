/** Returns the CPU time of all threads of this process, in milliseconds. */
export function processCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

interface ThreadCpuUsage {
  /** Exists in Node.js 22 since 22.19, and in Node.js 23.9 and later. */
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
   * Returns the CPU time since the previous call, in milliseconds. Older versions of Node.js report only the CPU time
   * of all threads, which includes garbage collection and compilation. The main thread's part is at most the elapsed
   * time, so the smaller of the two times is an upper bound.
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
