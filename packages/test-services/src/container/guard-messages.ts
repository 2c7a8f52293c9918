/** Where the Docker engine listens, as options of `http.request`. */
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
  /** Remove what is there and end. */
  | { type: "stop" };
