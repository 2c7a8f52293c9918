import { StoreError } from "@manykv/core";

/**
 * Loads a backend's package, which the application installs together with its client. It is looked for where manykv lies,
 * and not in the working directory: a command that is installed globally must not run the code of whatever folder it is
 * called in.
 *
 * A missing one is `invalid-argument` rather than `unavailable`, as no retry ever mends it.
 */
export async function loadBackend<Package>(
  load: () => Promise<Package>,
  toInstall: string,
): Promise<Package> {
  try {
    return await load();
  } catch (error) {
    if (!isModuleMissing(error)) throw error;
    throw new StoreError(
      "invalid-argument",
      `openStore: the packages that this URL needs are not installed beside manykv (where manykv was installed with --global, install them so, too): npm install ${toInstall}`,
    );
  }
}

function isModuleMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
}
