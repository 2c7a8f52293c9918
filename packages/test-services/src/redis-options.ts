/** How a Redis of one's own is started. */
export interface RedisOptions {
  /** Further arguments of `redis-server`, such as `["--maxmemory", "50mb"]`. Default: none. */
  args?: readonly string[];
  /** Every write is on disk before it is acknowledged, so that none is lost by `kill()`. Default: false. */
  durable?: boolean;
  /** Password of the default user; it is then part of `url`. Default: none. */
  password?: string;
}

const DURABLE = ["--appendonly", "yes", "--appendfsync", "always"];
const VOLATILE = ["--appendonly", "no"];

/** The arguments that hold wherever redis-server runs. */
export function redisArguments(options: RedisOptions): string[] {
  return [
    ...["--save", "", "--loglevel", "notice"],
    ...(options.durable ? DURABLE : VOLATILE),
    ...(options.password === undefined
      ? []
      : ["--requirepass", options.password, "--masterauth", options.password]),
    ...(options.args ?? []),
  ];
}

export function redisUrl(host: string, port: number, password: string | undefined): string {
  const user = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
  return `redis://${user}${host}:${port}`;
}
