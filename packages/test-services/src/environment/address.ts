/** The environment variables that name a server to use. Nothing that they do not name is ever touched. */
export type AddressVariable =
  | "MANYKV_REDIS_URL"
  | "MANYKV_REDIS_CLUSTER_URL"
  | "MANYKV_POSTGRES_URL"
  | "MANYKV_DYNAMODB_URL";

export interface Address {
  readonly variable: AddressVariable;
  readonly url: string;
}

/** The address that the variable holds. An empty variable counts as none. */
export function addressOf(variable: AddressVariable): Address | undefined {
  const url = process.env[variable]?.trim();
  return url ? { variable, url } : undefined;
}

/** Says what is wrong with an address, without the address itself: it may hold a password. */
export function badAddress({ variable }: Address, form: string): Error {
  return new Error(`${variable} is not an address of the form ${form}. Correct it, or unset it`);
}

/** Says that nobody useful answers at an address. */
export function deadAddress({ variable }: Address, at: string, error: unknown): Error {
  // Codes only: a client's message or cause can hold what was in the address.
  return new Error(
    `${variable}: the server at ${at} does not answer (${reason(error)}). Start it, correct the address, or unset ${variable}`,
  );
}

/** The form of an address for people, or undefined where it is not of one of the protocols. */
export function hostAndPort(
  { url }: Address,
  protocols: readonly string[],
  defaultPort: number,
): { host: string; port: number } | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  if (!protocols.includes(protocol) || hostname === "") return undefined;
  return { host: hostname, port: port === "" ? defaultPort : Number(port) };
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return reason(error.errors[0]);
  const { code, name, message } = error as NodeJS.ErrnoException;
  // Redis has no codes: the first word of its answer is one, as in "WRONGPASS invalid username-password pair".
  return code ?? /^([A-Z]{2,})\b/.exec(message ?? "")?.[1] ?? name ?? "no reason given";
}
