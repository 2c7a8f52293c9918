/** Address of the Docker engine, as options for `http.request`. */
export interface EngineAddress {
  protocol: "http" | "https";
  socketPath?: string;
  host?: string;
  port?: number | string;
  ca?: string;
  cert?: string;
  key?: string;
}

export type GuardRequest =
  | { type: "watch"; engine: EngineAddress; label: string }
  /** Removes the containers and ends the guard. */
  | { type: "stop" };
