import { type Store, StoreError, type StoreOptions } from "@manykv/core";
import { checkOptions, storeOptionNames } from "@manykv/core/driver";
import { memoryStore } from "@manykv/memory";

type OpenBackend = (url: string, options: StoreOptions) => Promise<Store>;

const backends: ReadonlyMap<string, OpenBackend> = new Map([
  ["memory", openMemory],
  ...redisSchemes().map((scheme) => [scheme, openRedis] as const),
  ["postgres", openPostgres],
  ["postgresql", openPostgres],
  ["dynamodb", openDynamodb],
]);

function redisSchemes(): readonly string[] {
  const names = ["redis", "rediss", "valkey", "valkeys"];
  const all = ["", "+cluster", "+sentinel"].flatMap((suffix) => names.map((name) => `${name}${suffix}`));
  return [...all, "redis+unix", "valkey+unix"];
}

/**
 * Opens the store at a URL. Loads the backend's package, but does not connect. If the server is unreachable or the
 * password is wrong, the first call that sends a request rejects.
 *
 * | URL | store |
 * | --- | --- |
 * | `memory:` | a new, empty store in this process |
 * | `redis://user:password@host:port/database`, `rediss://` for TLS | Redis |
 * | `redis+cluster://user:password@host:port,host:port`, `rediss+cluster://` for TLS | Redis Cluster |
 * | `redis+sentinel://user:password@host:port,host:port/service/database`, `rediss+sentinel://` for TLS | the Redis master that sentinels know |
 * | `redis+unix://user:password@/path?db=number` | Redis over a Unix socket |
 * | `postgres://user:password@host:port/database?table=name`, `postgresql://` | Postgres |
 * | `postgres://user:password@host:port,host:port/database` | the first of several Postgres servers that accepts writes |
 * | `dynamodb://region/table?endpoint=url` | DynamoDB |
 *
 * `valkey` and `valkeys` are aliases of `redis` and `rediss`. Percent-encode special characters, for example in a
 * password.
 *
 * @throws {StoreError} `invalid-argument` if the scheme, a URL parameter or an option is unknown, if the URL is
 * incomplete, or if the backend's package is not installed. The message contains no user, password or parameter value.
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  // A backend's other options come from the URL.
  const checked = checkOptions(options, storeOptionNames);
  rejectWhiteSpace(url);
  const scheme = schemeOf(url);
  rejectStrayCredentials(url);
  const openBackend = backends.get(scheme);
  if (openBackend !== undefined) return openBackend(url, checked);
  const known = [...backends.keys()].map((name) => `${name}:`).join(", ");
  throw invalid(`unknown URL scheme "${scheme}:": use one of ${known}`);
}

function schemeOf(url: string): string {
  const scheme = typeof url === "string" ? /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1] : undefined;
  if (scheme !== undefined) return scheme.toLowerCase();
  throw invalid("the URL must be a string that starts with a scheme, such as redis://localhost:6379");
}

/** Throws if the URL contains white space, such as the line break of a file. Clients may make it part of a name. */
function rejectWhiteSpace(url: unknown): void {
  if (typeof url !== "string" || !/[\s\p{Cc}]/u.test(url)) return;
  throw invalid(
    "the URL contains a space, a line break or another control character: remove it, or percent-encode it (a space is %20)",
  );
}

/** Throws if a password may contain an unencoded `?` or `#`. Other errors would show the text after this character. */
function rejectStrayCredentials(url: string): void {
  if (!/[?#].*@/s.test(url)) return;
  throw invalid(
    "the URL contains an @ after a ? or #. Percent-encode special characters in the user, password and parameters: @ is %40, ? is %3F, # is %23",
  );
}

async function openMemory(url: string, options: StoreOptions): Promise<Store> {
  const [address = "", query] = url.split("?", 2);
  for (const name of new URLSearchParams(query).keys()) {
    throw invalid(`unknown URL parameter ${JSON.stringify(name)}: this scheme has no parameters`);
  }
  if (address.toLowerCase() !== "memory:") throw invalid("a memory store has no address: use the URL `memory:`");
  return memoryStore(options);
}

// Bundlers accept an import of a package that is not installed only directly in a `try` block.

async function openRedis(url: string, options: StoreOptions): Promise<Store> {
  try {
    const { redisStore } = await import("@manykv/redis");
    checkClient("@manykv/redis", "ioredis");
    return redisStore({ ...options, url });
  } catch (error) {
    throw withAdvice(error, "@manykv/redis", "ioredis");
  }
}

async function openPostgres(url: string, options: StoreOptions): Promise<Store> {
  try {
    const { postgresStore } = await import("@manykv/postgres");
    checkClient("@manykv/postgres", "pg");
    return postgresStore({ ...options, url });
  } catch (error) {
    throw withAdvice(error, "@manykv/postgres", "pg");
  }
}

async function openDynamodb(url: string, options: StoreOptions): Promise<Store> {
  try {
    const { dynamodbStore, optionsOfUrl } = await import("@manykv/dynamodb");
    checkClient("@manykv/dynamodb", "@aws-sdk/client-dynamodb");
    return dynamodbStore({ ...options, ...optionsOfUrl(url) });
  } catch (error) {
    throw withAdvice(error, "@manykv/dynamodb", "@aws-sdk/client-dynamodb");
  }
}

/** Throws if the client library is not installed. Backends load it later, but `openStore` must say what to install. */
function checkClient(backend: string, client: string): void {
  let fromBackend: NodeJS.Require;
  try {
    // An import of node:module would break bundles for browsers.
    const { createRequire } = process.getBuiltinModule("node:module");
    fromBackend = createRequire(createRequire(import.meta.url).resolve(backend));
  } catch {
    return; // The application is bundled, so its packages are not in node_modules.
  }
  try {
    fromBackend.resolve(client);
  } catch (error) {
    if (isModuleMissing(error)) throw error; // After any other error, `import` may still find what `require` does not.
  }
}

/**
 * Returns the error to throw if a store cannot be opened. If a package is missing, the error says what to install.
 * Node.js looks for the packages where manykv is installed, not in the working directory, because a global command must
 * not run code from there.
 */
function withAdvice(error: unknown, backend: string, client: string): unknown {
  // In a page, the import of a package that is not bundled fails with a TypeError that names the package.
  if (error instanceof TypeError && error.message.includes(backend))
    return invalid(`this URL needs ${backend}, which is not part of this page: a page can open memory:`);
  if (!isModuleMissing(error)) return error;
  // The code is not `unavailable`, because a retry cannot help.
  return invalid(
    `this URL needs packages that are not installed. Run this where manykv is installed, with --global if it is installed globally: npm install ${backend} ${client}`,
  );
}

function isModuleMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  // Vite replaces a missing package with a module that throws an error without a code.
  return (
    code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND" || error.message.startsWith("Could not resolve")
  );
}

function invalid(message: string): StoreError {
  return new StoreError("invalid-argument", `openStore: ${message}`);
}
