import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository, run } from "./repository.js";

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
}

/** The folders of the packages that are published. */
export function publicPackages(): { name: string; folder: string }[] {
  const folders = [
    ...readdirSync(join(repository, "packages")).map((name) => join("packages", name)),
    "conformance",
  ];
  return folders.flatMap((folder) => {
    const manifest = readManifest(join(repository, folder));
    return manifest === undefined || manifest.private ? [] : [{ name: manifest.name, folder }];
  });
}

function readManifest(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

/**
 * Packs the public packages as a release does: by pnpm, which writes versions in place of `workspace:` ranges. npm's
 * own pack leaves them as they are. Gives the tarball of each package.
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
      const tarball = [...tarballs].find(
        (file) => file.startsWith(start) && /^\d/.test(file.slice(start.length)),
      );
      if (tarball === undefined) throw new Error(`There is no tarball of ${name}.`);
      return [name, join(destination, tarball)];
    }),
  );
}

/** An empty project outside the workspace, with packages installed by npm. */
export async function createProject(packages: readonly string[], ...npmArguments: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "manykv-project-"));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "project", private: true, type: "module" }),
  );
  const args = [
    "install",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--prefer-offline",
    ...npmArguments,
  ];
  await run("npm", [...args, ...packages], { cwd: folder });
  return folder;
}
