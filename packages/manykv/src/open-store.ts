import { type Store, StoreError, type StoreOptions } from "@manykv/core";
import { checkOptions, storeOptionNames } from "@manykv/core/driver";
import { memoryStore } from "@manykv/memory";

/** The options of {@link openStore}: those of every store, and backends that are not part of manykv. */
export interface OpenStoreOptions extends StoreOptions {
  /**
   * Further backends, by URL scheme: `{ mysql: () => import("manykv-backend-mysql") }`. `openStore` loads a backend only if
   * the URL has its scheme. A backend with the scheme of one of manykv's own replaces it. Default: none.
   */
  readonly backends?: Readonly<Record<string, () => Promise<BackendModule>>> | undefined;
}

/** What the module of a further backend exports. */
export interface BackendModule {
  /**
   * Opens the store at a URL, without connecting. `options` are the checked options of every store: pass them to
   * `createStore`. Errors must not contain a user, a password or a parameter value of the URL.
   */
  openStore(url: string, options: StoreOptions): Store | Promise<Store>;
}

/** The client library of each backend that is not part of this package. */
const clients = { redis: "ioredis", postgres: "pg", dynamodb: "@aws-sdk/client-dynamodb" };

/** The backend of each URL scheme. */
const backends: ReadonlyMap<string, "memory" | keyof typeof clients> = new Map([
  ["memory", "memory"],
  ...redisSchemes().map((scheme) => [scheme, "redis"] as const),
  ["postgres", "postgres"],
  ["postgresql", "postgres"],
  ["dynamodb", "dynamodb"],
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
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  // A backend's other options come from the URL.
  const { backends: others, ...checked } = checkOptions(options, [...storeOptionNames, "backends"]);
  const further = checkBackends(others);
  const scheme = schemeOf(url);
  const load = further.get(scheme);
  if (load !== undefined) return openFurther(scheme, load, url, checked);
  const backend = backends.get(scheme);
  if (backend === "memory") return openMemory(url, checked);
  if (backend !== undefined) return openBackend(backend, url, checked);
  const known = [...backends.keys(), ...further.keys()].map((name) => `${name}:`).join(", ");
  throw invalid(
    `unknown URL scheme "${scheme}:": use one of ${known}. For another backend, pass the option \`backends\`, as in { backends: { "${scheme}": () => import("${packageOf(scheme)}") } }; the command uses the installed package ${packageOf(scheme)} or --backend MODULE`,
  );
}

/** Returns whether manykv itself has a backend for the URL, or the URL has no scheme. */
export function isOwnUrl(url: string): boolean {
  return backends.has(schemeOf(url));
}

/** Returns the name of the package in which the command looks for the backend of a URL. Package names contain no `+`. */
export function packageOfUrl(url: string): string {
  return packageOf(schemeOf(url));
}

function packageOf(scheme: string): string {
  return `manykv-backend-${scheme.split("+", 1)[0]}`;
}

type LoadBackend = () => Promise<BackendModule>;

function checkBackends(others: OpenStoreOptions["backends"]): ReadonlyMap<string, LoadBackend> {
  if (others === undefined) return new Map();
  if (typeof others !== "object" || others === null) throw invalid("`backends` must be an object of functions");
  const entries = Object.entries(others);
  for (const [scheme, load] of entries) {
    if (!/^[a-z][a-z0-9+.-]*$/.test(scheme))
      throw invalid(`\`backends\` contains ${JSON.stringify(scheme)}, which is not a URL scheme in lower case`);
    if (typeof load !== "function")
      throw invalid(`the backend of "${scheme}:" must be a function, such as () => import("${packageOf(scheme)}")`);
  }
  return new Map(entries);
}

async function openFurther(scheme: string, load: LoadBackend, url: string, options: StoreOptions): Promise<Store> {
  const module: Partial<BackendModule> | undefined = await load();
  if (typeof module?.openStore !== "function")
    throw invalid(`the module of the backend of "${scheme}:" must export a function openStore(url, options)`);
  const store = await module.openStore(url, options);
  if (typeof store?.open === "function" && typeof store.close === "function") return store;
  throw invalid(`the backend of "${scheme}:" returned no store: its openStore must return the result of createStore`);
}

/** Returns the scheme in lower case. Throws if no URL of any backend can look like `url`. */
export function schemeOf(url: unknown): string {
  const text = typeof url === "string" ? url : "";
  // Clients may make white space, such as the line break of a file, part of a name.
  if (/[\s\p{Cc}]/u.test(text)) {
    throw invalid(
      "the URL contains a space, a line break or another control character: remove it, or percent-encode it (a space is %20)",
    );
  }
  // Other errors would show the part of a password that follows an unencoded `?` or `#`.
  if (/[?#].*@/.test(text)) {
    throw invalid(
      "the URL contains an @ after a ? or #. Percent-encode special characters in the user, password and parameters: @ is %40, ? is %3F, # is %23",
    );
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1];
  if (scheme !== undefined) return scheme.toLowerCase();
  throw invalid("the URL must be a string that starts with a scheme, such as redis://localhost:6379");
}

function openMemory(url: string, options: StoreOptions): Store {
  const [address = "", query] = url.split("?", 2);
  for (const name of new URLSearchParams(query).keys()) {
    throw invalid(`unknown URL parameter ${JSON.stringify(name)}: this scheme has no parameters`);
  }
  if (address.toLowerCase() !== "memory:") throw invalid("a memory store has no address: use the URL `memory:`");
  return memoryStore(options);
}

async function openBackend(backend: keyof typeof clients, url: string, options: StoreOptions): Promise<Store> {
  const name = `@manykv/${backend}`;
  const client = clients[backend];
  try {
    checkClient(name, client);
    // Bundlers accept an import of a package that is not installed only in a `try` block.
    if (backend === "redis") return (await import("@manykv/redis")).redisStore({ ...options, url });
    if (backend === "postgres") return (await import("@manykv/postgres")).postgresStore({ ...options, url });
    const { dynamodbStore, optionsOfUrl } = await import("@manykv/dynamodb");
    return dynamodbStore({ ...options, ...optionsOfUrl(url) });
  } catch (error) {
    throw withAdvice(error, name, client);
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
    return; // The backend is missing, or the application is bundled, so its packages are not in node_modules.
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
  const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown };
  // Vite replaces a missing package with a module that throws an error without a code.
  return /^(ERR_)?MODULE_NOT_FOUND$|^Could not resolve/.test(`${code ?? message}`);
}

function invalid(message: string): StoreError {
  return new StoreError("invalid-argument", `openStore: ${message}`);
}
