import { fork } from "node:child_process";
import { once } from "node:events";

/** Runs a script in a fresh process, so that nothing else uses its memory and event loop. Returns its result. */
export async function runInProcess<Task extends object, Result>(
  script: URL,
  task: Task,
  nodeOptions: readonly string[] = [],
): Promise<Result> {
  const child = fork(script, { execArgv: [...nodeOptions] });
  child.send(task);
  const [result] = (await Promise.race([once(child, "message"), ended(child)])) as [Result];
  child.disconnect();
  return result;
}

async function ended(child: ReturnType<typeof fork>): Promise<never> {
  const [code] = (await once(child, "exit")) as [number | null];
  throw new Error(
    `The process ended before it sent a result (exit code: ${code ?? "none"}). Check its error output above.`,
  );
}
