import { type Fault, FaultError, now } from "@manykv/core/driver";
import type { Client, ClientConfig } from "pg";
import { faultOfConnecting } from "../error-table.js";
import type { ConnectionSettings, SessionAttributes } from "./connection-url.js";
import type { Host, HostRotation } from "./hosts.js";
import { Handshake, hangUp, setLogin } from "./pg-internals.js";

/** Returns the password for a new connection. */
export type PasswordProvider = () => Promise<string>;

/** What the connections of a store's own pool share. */
export interface Login {
  readonly settings: ConnectionSettings;
  readonly hosts: HostRotation;
  readonly password: PasswordProvider | undefined;
  /** Whether a connection has succeeded. */
  hasConnected: boolean;
  /** When the server refused the first and the last password since it accepted one, on the clock of `now`. */
  refused: { readonly first: number; last: number } | undefined;
}

/** How long a refused password is retried, in milliseconds: it may have expired since the provider returned it. */
const refusalsEndWithin = 1_000;
/** Refusals that are further apart than this, in milliseconds, are unrelated. */
const longestBetweenRefusals = 5_000;

type Connected = (error: Error | null) => void;

/**
 * Returns a subclass of pg's `Client` that connects to the current host, asks the provider for the password, and accepts
 * only a server that fits the URL's parameters `channel_binding` and `target_session_attrs`.
 */
export function storeClient(Guarded: typeof Client, login: Login): typeof Client {
  const { settings, hosts, password } = login;
  return class extends Guarded {
    readonly #host: Host;
    readonly #handshake: Handshake;

    constructor(config: ClientConfig) {
      const host = hosts.current;
      const enableChannelBinding = settings.channelBinding !== "disable";
      super({ ...config, enableChannelBinding, connectionString: settings.connectionString(host) } as ClientConfig);
      this.#host = host;
      setLogin(this, host.port, password && (() => passwordFrom(password)));
      this.#handshake = new Handshake(this, settings.channelBinding === "require");
    }

    /** Connects and checks the server. Calls `callback` once. */
    override connect(callback?: unknown): Promise<never> {
      let settled = false;
      const settle = (error: Error | null): void => {
        if (settled) return;
        settled = true;
        (callback as Connected)(error === null ? null : this.#refuse(error));
        // From now on, the pool listens.
        this.off("error", settle);
        if (error !== null) hangUp(this.on("error", ignore));
        else {
          login.hasConnected = true;
          login.refused = undefined;
        }
      };
      // pg emits some errors of the handshake as events, and all of them after it.
      this.on("error", settle);
      super.connect((error: Error | null) => {
        const statement = this.#checkStatement();
        const failure = error ?? this.#handshake.failure ?? null;
        if (failure !== null || statement === undefined) return settle(failure);
        this.query({ text: statement, rowMode: "array" }, (queryError: Error | null, result) => {
          const isReadOnly = ["on", "t", true].includes(result?.rows[0]?.[0]);
          settle(queryError ?? (isReadOnly ? this.#readOnly() : null));
        });
      });
      return undefined as never;
    }

    /** Returns a query whose result shows whether the server is unsuitable, or `undefined` if no query is necessary. */
    #checkStatement(): string | undefined {
      const attributes: SessionAttributes | undefined = settings.sessionAttributes;
      if (attributes === "read-write") return "SHOW transaction_read_only";
      if (attributes === "primary") return "SELECT pg_is_in_recovery()";
      // A pooler may report what its first server said, so ask the server.
      const isStandby = attributes === undefined && this.#handshake.reported("in_hot_standby") === "on";
      return isStandby ? "SELECT pg_is_in_recovery()" : undefined;
    }

    #readOnly(): FaultError {
      // If the only address has never worked, it is probably wrong. Otherwise, a failover may be in progress.
      const retryable = login.hasConnected || settings.hosts.length > 1;
      return new FaultError({ code: "unavailable", retryable, effect: "none", reason: "25006" });
    }

    /** Notes that the server refused a password. Returns whether a new password may be accepted. */
    #mayBeExpired(): boolean {
      const time = now();
      const { refused } = login;
      if (refused === undefined || time - refused.last > longestBetweenRefusals) {
        login.refused = { first: time, last: time };
        return true;
      }
      refused.last = time;
      return time - refused.first < refusalsEndWithin;
    }

    /** Returns the error to report, and moves on to the next host if another attempt can help. */
    #refuse(error: Error): Error {
      const fault = FaultError.is(error) ? error.fault : faultOfConnecting(error);
      if (this.#handshake.isForeign && !login.hasConnected) return new FaultError(notPostgres);
      if (fault.retryable) hosts.failed(this.#host);
      if (password === undefined || fault.code !== "access-denied" || FaultError.is(error)) return error;
      return new FaultError({ ...fault, retryable: this.#mayBeExpired() });
    }
  };
}

function ignore(): void {}

/** At an address that has never worked, another program probably listens. Later, the network may garble bytes. */
const notPostgres: Fault = {
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "the server does not speak the protocol of Postgres",
};
const passwordFailed: Fault = {
  code: "unavailable",
  retryable: true,
  effect: "none",
  reason: "the function `password` failed",
};
const noPassword: Fault = {
  code: "access-denied",
  retryable: false,
  effect: "none",
  reason: "the function `password` must return a non-empty string",
};

/** Calls the provider. Its own error may contain secrets, so the fault does not contain the error. */
async function passwordFrom(provider: PasswordProvider): Promise<string> {
  let password: unknown;
  try {
    password = await provider();
  } catch {
    throw new FaultError(passwordFailed);
  }
  if (typeof password === "string" && password !== "") return password;
  throw new FaultError(noPassword);
}
