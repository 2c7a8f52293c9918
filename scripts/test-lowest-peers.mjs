// Runs a backend's tests with the oldest client library that its peer range allows:
// `node scripts/test-lowest-peers.mjs redis`. Without an argument, the script tests every backend.
//
// The script works in a copy of the repository, so that the installed dependencies of the repository do not change.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = join(import.meta.dirname, "..");
const known = ["redis", "postgres", "dynamodb"];

/** @param {string} backend */
function testLowestPeers(backend) {
  const manifest = JSON.parse(readFileSync(join(repository, `packages/${backend}/package.json`), "utf8"));
  const copy = mkdtempSync(join(tmpdir(), `manykv-lowest-${backend}-`));
  try {
    copyTo(copy);
    for (const [name, range] of Object.entries(manifest.peerDependencies))
      pin(join(copy, "pnpm-workspace.yaml"), name, lowestOf(range));
    const pnpm = ["-y", "pnpm@12"];
    run(copy, [...pnpm, "install", "--no-frozen-lockfile"]);
    run(copy, [...pnpm, "turbo", "run", "build", `--filter=@manykv/${backend}...`]);
    run(copy, [...pnpm, "vitest", "run", "--project", backend]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/**
 * Copies the files of the repository that git does not ignore.
 *
 * @param {string} folder
 */
function copyTo(folder) {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  for (const path of execFileSync("git", list, { cwd: repository, encoding: "utf8" }).split("\0")) {
    const source = join(repository, path);
    if (path !== "" && existsSync(source)) cpSync(source, join(folder, path));
  }
}

/**
 * Returns the oldest version in a range such as `^8.11.0`.
 *
 * @param {string} range
 */
function lowestOf(range) {
  const version = /^(?:\^|~|>=)?(\d+\.\d+\.\d+)(?= |$)/.exec(range)?.[1];
  if (version === undefined)
    throw new Error(`Cannot read the version range ${range}. Extend \`lowestOf\` in this script.`);
  return version;
}

/**
 * Replaces the version of a package in the catalog of `pnpm-workspace.yaml`, which all packages use.
 *
 * @param {string} file
 * @param {string} name
 * @param {string} version
 */
function pin(file, name, version) {
  const text = readFileSync(file, "utf8");
  const lines = text.split("\n");
  const index = lines.findIndex((line) => line.startsWith(`  ${name}: `) || line.startsWith(`  "${name}": `));
  if (index === -1) throw new Error(`${name} is not in the catalog of pnpm-workspace.yaml. Add it there.`);
  lines[index] = `  "${name}": ${version}`;
  writeFileSync(file, lines.join("\n"));
  console.log(`${name} ${version}`);
}

/**
 * @param {string} folder
 * @param {string[]} args
 */
function run(folder, args) {
  execFileSync("npx", args, { cwd: folder, stdio: "inherit" });
}

const backends = process.argv.length > 2 ? process.argv.slice(2) : known;
for (const backend of backends) {
  if (!known.includes(backend)) throw new Error(`Unknown backend ${backend}. Use ${known.join(", ")}.`);
}
for (const backend of backends) testLowestPeers(backend);
