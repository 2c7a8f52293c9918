import { StoreError } from "@manykv/core";
import { type ImportObject, WitError } from "../shapes/shape.js";
import { addVersion03 } from "./wasi-imports-0.3.js";

/** What a component may use of the system. By default, it has no environment, files or network. */
export interface WasiOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The arguments of the component, of which the first one is its name. */
  readonly args?: readonly string[] | undefined;
  /** Folders of the system, by the path under which the component finds them. */
  readonly directories?: Readonly<Record<string, string>> | undefined;
  /** Whether the component may open sockets, look up names and send HTTP requests. Default: `false`. */
  readonly network?: boolean | undefined;
}

/** Thrown by the imports when a component calls `exit`, so that the host can close its stores first. */
export class ComponentExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`the component ended with exit code ${code}`);
    this.code = code;
  }
}

/**
 * Returns the imports of `wasi:cli`, `clocks`, `filesystem`, `http`, `io`, `random` and `sockets`, as preview2-shim
 * implements version 0.2 of them.
 *
 * @param imported - the `imports` of the component. preview3-shim implements those of version 0.3. Default: none
 * @throws {StoreError} `unsupported` if the shim is not installed, or if the component imports an interface with resources,
 * such as `wasi:filesystem/types`, in both versions.
 */
export async function wasiImports(options: WasiOptions = {}, imported: readonly string[] = []): Promise<ImportObject> {
  const { env = {}, args = ["component"], directories = {}, network = false } = options;
  const { WASIShim } = await loadShim();
  const shim = new WASIShim({
    sandbox: { env: { ...env }, args: [...args], preopens: { ...directories }, enableNetwork: network },
  });
  const imports = shim.getImportObject() as unknown as ImportObject;
  const version02: ImportObject = {
    ...imports,
    "wasi:cli/exit": {
      exit(status: { readonly tag: "ok" | "err" }): void {
        throw new ComponentExit(status.tag === "ok" ? 0 : 1);
      },
      exitWithCode(code: number): void {
        throw new ComponentExit(code);
      },
    },
  };
  // The shim sends requests even without `enableNetwork`.
  if (!network) version02["wasi:http/outgoing-handler"] = { handle: refuseRequest };
  return addVersion03(version02, imported, options);
}

function refuseRequest(): never {
  throw new WitError({ tag: "HTTP-request-denied" });
}

async function loadShim(): Promise<typeof import("@bytecodealliance/preview2-shim/instantiation")> {
  try {
    return await import("@bytecodealliance/preview2-shim/instantiation");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new StoreError(
      "unsupported",
      "a component that uses WASI needs a package that is not installed: npm install @bytecodealliance/preview2-shim@0.26",
    );
  }
}
