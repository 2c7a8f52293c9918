import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository, run } from "./repository.js";

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: { readonly [subpath: string]: string | { readonly default: string } };
}

interface PublicPackage {
  readonly name: string;
  readonly folder: string;
  /** Maps each import specifier, such as `@manykv/core/driver`, to the path of its module file in `folder`. */
  readonly entryPoints: ReadonlyMap<string, string>;
}

/** Returns the published packages. Their `folder` paths are relative to the root of the repository. */
export function publicPackages(): PublicPackage[] {
  const folders = [...readdirSync(join(repository, "packages")).map((name) => join("packages", name)), "conformance"];
  return folders.flatMap((folder) => {
    const manifest = readManifest(join(repository, folder));
    if (manifest === undefined || manifest.private) return [];
    return [{ name: manifest.name, folder, entryPoints: entryPointsOf(manifest) }];
  });
}

function entryPointsOf({ name, exports = {} }: Manifest): Map<string, string> {
  const modules = Object.entries(exports).flatMap(([subpath, target]) =>
    typeof target === "string" ? [] : [[name + subpath.slice(1), target.default.slice(2)] as const],
  );
  return new Map(modules);
}

function readManifest(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

/**
 * Packs the published packages in the same way as a release, and returns the path of each package's tarball. Uses pnpm,
 * because `npm pack` does not replace `workspace:` ranges with versions.
 */
export async function packAll(destination: string): Promise<Map<string, string>> {
  const packages = publicPackages();
  const filters = packages.flatMap(({ name }) => ["--filter", name]);
  await run("npx", ["-y", "pnpm@12", "-r", ...filters, "pack", "--pack-destination", destination], {
    cwd: repository,
  });
  const tarballs = new Set(readdirSync(destination));
  return new Map(
    packages.map(({ name }) => {
      const start = `${name.replace("@", "").replace("/", "-")}-`;
      const tarball = [...tarballs].find((file) => file.startsWith(start) && /^\d/.test(file.slice(start.length)));
      if (tarball === undefined) throw new Error(`pnpm created no tarball for ${name}.`);
      return [name, join(destination, tarball)];
    }),
  );
}

/** Creates an empty project outside the workspace and installs packages with npm. Returns the project's folder. */
export async function createProject(packages: readonly string[], ...npmArguments: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "manykv-project-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", ...npmArguments];
  await run("npm", [...args, ...packages], { cwd: folder });
  return folder;
}
