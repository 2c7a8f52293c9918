/** How a Postgres of one's own is started. */
export interface PostgresOptions {
  /** Server settings, such as `{ statement_timeout: "500ms" }`. Default: none beyond those below. */
  settings?: Readonly<Record<string, string>>;
  /**
   * Every commit is flushed to disk. Default: false, which is faster and still loses nothing by `kill()`, since
   * the machine itself goes on.
   */
  durable?: boolean;
}

export const POSTGRES_USER = "manykv";
export const POSTGRES_DATABASE = "manykv";

const VOLATILE = { fsync: "off", full_page_writes: "off" };
/** Every project of a run keeps pools of its own on the one shared server. */
const COMMON = { max_connections: "200" };

/** The settings as arguments of `postgres`. */
export function postgresArguments(options: PostgresOptions): string[] {
  const settings = { ...COMMON, ...(options.durable ? {} : VOLATILE), ...options.settings };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

export function postgresUrl(
  host: string,
  port: number,
  password: string,
  database: string = POSTGRES_DATABASE,
): string {
  return `postgres://${POSTGRES_USER}:${password}@${host}:${port}/${database}`;
}
