import { type ChildProcess, fork } from "node:child_process";
import type { Mutant, Verdict } from "./mutant.js";
import type { FromTestWorker, TestFile, ToTestWorker } from "./test-protocol.js";

/** Runs the tests of the sandbox against mutants that survived the suite. */
export class TestStage {
  readonly #root: string;
  readonly #projects: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #files: readonly TestFile[] | undefined;

  constructor(root: string, projects: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#root = root;
    this.#projects = projects;
    this.#environment = environment;
  }

  async run(mutant: Mutant): Promise<Verdict> {
    this.#files ??= await this.#cover();
    const files = this.#files
      .filter(({ passed, mutants }) => passed && mutants.includes(mutant.id))
      .toSorted((a, b) => a.milliseconds - b.milliseconds);
    if (files.length === 0) return { status: "uncovered" };
    const total = files.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const paths = files.map(({ path }) => path);
    const request = (): Promise<FromTestWorker | undefined> =>
      this.#request({ type: "run", mutant: mutant.id, files: paths }, 60_000 + 5 * total);
    const answer = await request();
    if (answer === undefined) return { status: "timeout" };
    const failed = answer.type === "done" ? answer.failed : undefined;
    return failed === undefined ? { status: "survived" } : { status: "killed", by: failed };
  }

  close(): void {
    this.#child?.kill("SIGKILL");
  }

  async #cover(): Promise<readonly TestFile[]> {
    const answer = await this.#request({ type: "cover" }, 1_200_000);
    if (answer?.type !== "covered") throw new Error("the run of the tests without mutants did not end");
    for (const { path, passed } of answer.files) if (!passed) console.log(`fails without a mutant: ${path}`);
    // The worker's environment is still that of the run without mutants.
    this.close();
    this.#child = undefined;
    return answer.files;
  }

  /** Returns the worker's answer, or `undefined` if the worker did not answer in time. The worker is then gone. */
  async #request(message: ToTestWorker, milliseconds: number): Promise<FromTestWorker | undefined> {
    this.#child ??= await this.#start();
    const child = this.#child;
    return new Promise((resolve) => {
      const settle = (answer: FromTestWorker | undefined): void => {
        clearTimeout(timer);
        child.off("message", settle).off("exit", gone);
        if (answer === undefined) {
          this.close();
          this.#child = undefined;
        }
        resolve(answer);
      };
      const gone = (): void => settle(undefined);
      const timer = setTimeout(gone, milliseconds);
      child.once("message", settle).once("exit", gone);
      child.send(message);
    });
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(new URL("test-worker.js", import.meta.url), [this.#root, JSON.stringify(this.#projects)], {
      cwd: this.#root,
      env: { ...process.env, ...this.#environment },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("message", () => resolve()).once("exit", () => reject(new Error("vitest did not start")));
    });
    return child;
  }
}
