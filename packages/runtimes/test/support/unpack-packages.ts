import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packAll } from "../../../../examples/test/support/packages.js";
import { run as runCommand } from "../../../../examples/test/support/repository.js";
import { application, root } from "./application.js";

/** Packs the published packages and unpacks them into the application's `node_modules`. */
export default async function unpackPackages(): Promise<void> {
  const tarballs = mkdtempSync(join(tmpdir(), "manykv-runtimes-"));
  try {
    rmSync(application, { recursive: true, force: true });
    for (const [name, tarball] of await packAll(tarballs)) {
      const folder = join(application, "node_modules", name);
      mkdirSync(folder, { recursive: true });
      await runCommand("tar", ["-xzf", tarball, "--strip-components=1", "-C", folder]);
    }
    cpSync(join(root, "programs"), application, { recursive: true });
  } finally {
    rmSync(tarballs, { recursive: true, force: true });
  }
}
