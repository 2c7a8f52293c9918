import { StoreError } from "@manykv/core";
import { type ImportObject, WitError } from "../shapes/shape.js";
import type { WasiOptions } from "./wasi-imports.js";

type Interface = Record<string, unknown>;

/** The parts of preview3-shim that this package uses. The types of the shim are those for browsers. */
export interface Shim03 {
  readonly cli: { readonly stdin: Interface; readonly stdout: Interface; readonly stderr: Interface };
  readonly clocks: { readonly monotonicClock: Interface; readonly systemClock: Interface };
  readonly filesystem: {
    readonly types: Interface;
    readonly preopens: { getDirectories(): [descriptor: object, path: string][] };
    _addPreopen(path: string, folder: string): void;
  };
  readonly future: { future(): { readonly tx: FutureWriter; readonly rx: object } };
  readonly http: { readonly types: HttpTypes; readonly client: Interface };
  readonly random: { readonly insecureSeed: Interface };
  readonly sockets: {
    readonly types: { readonly TcpSocket: new () => object; readonly UdpSocket: new () => object };
    readonly ipNameLookup: Interface;
  };
  readonly stream: { readonly StreamReader: new (source: Iterable<Uint8Array>) => StreamReader };
}

interface FutureWriter {
  write(value: unknown): Promise<void>;
}

interface StreamReader {
  /** Returns the next part, or `null` after the last one. */
  read(): Promise<Uint8Array | null>;
}

interface HttpTypes extends Interface {
  readonly Fields: { fromList(entries: readonly (readonly [name: string, value: Uint8Array])[]): object };
  readonly Request: {
    readonly new: (
      headers: object,
      body: StreamReader,
      trailers: object,
      options: undefined,
    ) => [request: ShimRequest, sent: object];
  };
  readonly Response: {
    consumeBody(response: object, received: object): [body: StreamReader | null, trailers: object];
  };
}

interface ShimRequest {
  setMethod(method: string): void;
  setPathWithQuery(path: string): void;
  setScheme(scheme: string): void;
  setAuthority(authority: string | undefined): void;
}

/** Interfaces whose resources have the same names in 0.2 and 0.3, so a component can import only one version of each. */
const exclusive = /^wasi:(filesystem|http|sockets)\//;

/**
 * Adds the interfaces that a component imports in version 0.3 to those of version 0.2. The transpiler names both alike, so
 * an interface that the component imports in both versions has the functions of both.
 *
 * @throws {StoreError} `unsupported` if preview3-shim is not installed, or if the component imports both versions of an
 * interface with resources.
 */
export async function addVersion03(
  imports: ImportObject,
  imported: readonly string[],
  options: WasiOptions,
): Promise<ImportObject> {
  const names = imported.filter((name) => /^wasi:.*@0\.3\./.test(name)).map(withoutVersion);
  if (names.length === 0) return imports;
  const both = names.find((name) => exclusive.test(name) && imported.some((each) => each.startsWith(`${name}@0.2.`)));
  if (both !== undefined)
    throw new StoreError(
      "unsupported",
      `the component imports versions 0.2 and 0.3 of ${both}: build it with only one of them`,
    );
  const added = version03(await loadShim03(), imports, options);
  const known = names.filter((name) => name in imports || name in added);
  return { ...imports, ...Object.fromEntries(known.map((name) => [name, { ...imports[name], ...added[name] }])) };
}

function withoutVersion(name: string): string {
  return name.replace(/@.*/, "");
}

function version03(
  shim: Shim03,
  imports: ImportObject,
  { directories = {}, network = false }: WasiOptions,
): ImportObject {
  const { cli, clocks, filesystem, http, random, sockets } = shim;
  return {
    // These interfaces contain only types.
    "wasi:cli/types": {},
    "wasi:clocks/types": {},
    "wasi:cli/environment": { getInitialCwd: imports["wasi:cli/environment"]?.["initialCwd"] },
    "wasi:cli/stdin": cli.stdin,
    "wasi:cli/stdout": cli.stdout,
    "wasi:cli/stderr": cli.stderr,
    "wasi:clocks/monotonic-clock": clocks.monotonicClock,
    "wasi:clocks/system-clock": clocks.systemClock,
    "wasi:random/insecure-seed": random.insecureSeed,
    "wasi:filesystem/types": filesystem.types,
    "wasi:filesystem/preopens": preopens(filesystem, directories),
    "wasi:http/types": http.types,
    "wasi:http/client": network ? http.client : { send: async () => refuse("HTTP-request-denied") },
    "wasi:sockets/types": network ? sockets.types : refusingSockets(sockets),
    "wasi:sockets/ip-name-lookup": network
      ? sockets.ipNameLookup
      : { resolveAddresses: async () => refuse("access-denied") },
  };
}

/** The shim keeps the folders of all components in one list, and each component gets only its folders. */
function preopens(filesystem: Shim03["filesystem"], directories: Readonly<Record<string, string>>): Interface {
  const all = filesystem.preopens.getDirectories();
  const start = all.length;
  for (const [path, folder] of Object.entries(directories)) filesystem._addPreopen(path, folder);
  const own = all.slice(start);
  return { getDirectories: () => own };
}

function refusingSockets({ types }: Shim03["sockets"]): Interface {
  const create = () => refuse("access-denied");
  return {
    TcpSocket: class extends types.TcpSocket {
      static create = create;
    },
    UdpSocket: class extends types.UdpSocket {
      static create = create;
    },
  };
}

function refuse(tag: string): never {
  throw new WitError({ tag });
}

/** @throws {StoreError} `unsupported` if preview3-shim is not installed. */
export async function loadShim03(): Promise<Shim03> {
  try {
    return (await import("@bytecodealliance/preview3-shim")) as unknown as Shim03;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new StoreError(
      "unsupported",
      "a component that uses WASI 0.3 needs a package that is not installed: npm install @bytecodealliance/preview3-shim@0.7",
    );
  }
}
