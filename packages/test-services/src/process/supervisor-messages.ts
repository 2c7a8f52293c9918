/** What the supervisor is told to run. */
export interface ServerSpecification {
  command: string;
  args: readonly string[];
  /** In the supervisor's directory it runs in the folder of this name and writes to `NAME.log` beside it. */
  name: string;
  /** Signal that makes the server end at once and leave nothing behind. */
  stopSignal: "SIGKILL" | "SIGQUIT";
  /** Run as this user instead of the caller. */
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
