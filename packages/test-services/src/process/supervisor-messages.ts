/** A program that the supervisor runs. */
export interface ServerSpecification {
  command: string;
  args: readonly string[];
  /** Name of the program's working folder in the supervisor's directory. The output goes to `NAME.log`. */
  name: string;
  /** Signal on which the program ends immediately and leaves nothing behind. */
  stopSignal: "SIGKILL" | "SIGQUIT";
  /** User that runs the program. Default: the supervisor's user. */
  user?: { uid: number; gid: number };
  env?: Record<string, string>;
}

export type SupervisorRequest =
  | { type: "start"; id: number; specification: ServerSpecification }
  | { type: "kill"; id: number }
  | { type: "stop" };

export type SupervisorReport =
  | { type: "ready"; directory: string }
  | { type: "started"; id: number; pid: number }
  | { type: "failed"; id: number; code: string }
  | { type: "exited"; id: number; code: number | null };
