/** Published on the channel `manykv:attempt` when one request to the engine has ended. */
export interface AttemptEvent {
  readonly driver: string;
  /** `get`, `set`, `delete`, `exists`, `list` or `provision`. */
  readonly request: string;
  readonly bucket: string;
  /** Keys in the request. */
  readonly keys: number;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** In milliseconds. */
  readonly duration: number;
  /** Keys that were not done. */
  readonly undone: number;
  /** Code of the first fault, where there was one. */
  readonly code: string | undefined;
}

/** Published on the channel `manykv:call` when a call has ended. */
export interface CallEvent {
  readonly driver: string;
  /** The method's name: `getMany`. */
  readonly operation: string;
  readonly bucket: string;
  /** In milliseconds. */
  readonly duration: number;
  /** Code of the error that the call rejected with, where it did. */
  readonly code: string | undefined;
}

export interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

interface Host {
  process?: { getBuiltinModule?(id: string): { channel(name: string): Channel } | undefined };
}

const silent: Channel = { hasSubscribers: false, publish() {} };

/** A channel of `node:diagnostics_channel`; in a browser, or before Node 20.16, one that nobody hears. */
export function channel(name: string): Channel {
  const host = globalThis as Host;
  return host.process?.getBuiltinModule?.("node:diagnostics_channel")?.channel(name) ?? silent;
}
