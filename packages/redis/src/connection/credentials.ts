import { type Fault, FaultError } from "@manykv/core/driver";

/** A user and a password, or a token in place of the password. */
export interface RedisCredentials {
  /** Default: Redis's user `default`. */
  readonly username?: string | undefined;
  /** The password or the token. */
  readonly password: string;
}

/** Returns the credentials for a new connection, or `undefined` to connect without authentication. */
export type CredentialsSource = () => Promise<RedisCredentials | undefined>;

/**
 * Returns a function of the caller as a source of credentials.
 *
 * The source rejects with a {@link FaultError} if the function fails. The fault contains nothing of the function's
 * error: such an error may contain secrets.
 *
 * @param name - the name of the option
 */
export function sourceOf(provide: () => Promise<RedisCredentials>, name: string): CredentialsSource {
  return async () => {
    let credentials: unknown;
    try {
      credentials = await provide();
    } catch {
      throw new FaultError(failed(name));
    }
    if (!isCredentials(credentials)) throw new FaultError(wrongResult(name));
    return { username: credentials.username || undefined, password: credentials.password };
  };
}

function isCredentials(value: unknown): value is RedisCredentials {
  const { username, password } = (value ?? {}) as Partial<Record<keyof RedisCredentials, unknown>>;
  return typeof password === "string" && (username === undefined || typeof username === "string");
}

/** A retry may succeed: the function may ask a service that is unavailable for a moment. */
function failed(name: string): Fault {
  return { code: "unavailable", retryable: true, effect: "none", reason: `the \`${name}\` function failed` };
}

function wrongResult(name: string): Fault {
  const reason = `the \`${name}\` function must return { username?: string, password: string }`;
  return { code: "invalid-argument", retryable: false, effect: "none", reason };
}
