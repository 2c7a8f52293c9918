// Writes a report of the public API of each published entry point into `api/`, so that reviewers see how a change
// affects the API. With --check, the script writes nothing and fails if a report is out of date.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";

const repository = join(import.meta.dirname, "..");
const reports = join(repository, "api");
const check = process.argv.includes("--check");
const folders = [...readdirSync(join(repository, "packages")).map((name) => `packages/${name}`), "conformance"];

/** Yields the entry points of all published packages: report name, folder and declaration file. */
function* entryPoints() {
  for (const folder of folders) {
    const path = join(repository, folder, "package.json");
    const manifest = JSON.parse(readFileSync(path, "utf8"));
    if (manifest.private) continue;
    for (const [subpath, target] of Object.entries(manifest.exports)) {
      if (typeof target !== "object") continue;
      const name = `${manifest.name.replace("@manykv/", "")}${subpath.slice(1).replaceAll("/", "-")}`;
      yield { name, folder: join(repository, folder), declarations: join(repository, folder, target.types) };
    }
  }
}

/**
 * Writes or checks the report of one entry point. Returns whether the report was out of date.
 *
 * @param {{ name: string, folder: string, declarations: string }} entryPoint
 * @param {string} temporary - a folder for temporary files
 */
function report({ name, folder, declarations }, temporary) {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, "package.json"),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: declarations,
      newlineKind: "lf",
      compiler: { overrideTsconfig: { extends: join(repository, "tsconfig.base.json"), include: ["dist"] } },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: reports,
        reportTempFolder: temporary,
        // Includes types that the API uses but does not export, because these types are part of the API too.
        includeForgottenExports: true,
      },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
    },
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: !check,
    messageCallback(message) {
      message.handled = true;
      if (message.logLevel === ExtractorLogLevel.Error) throw new Error(`${name}: ${message.text}`);
    },
  });
  return apiReportChanged;
}

const temporary = mkdtempSync(join(tmpdir(), "manykv-api-"));
try {
  const names = new Set();
  const changed = [];
  for (const entryPoint of entryPoints()) {
    names.add(`${entryPoint.name}.api.md`);
    if (report(entryPoint, temporary)) changed.push(`api/${entryPoint.name}.api.md`);
  }
  for (const file of readdirSync(reports)) {
    if (names.has(file)) continue;
    changed.push(`api/${file}`);
    if (!check) rmSync(join(reports, file));
  }
  if (changed.length > 0) console.log(`${check ? "Out of date" : "Updated"}: ${changed.join(", ")}`);
  if (check && changed.length > 0) {
    console.error("The public API changed. Run `npx -y pnpm@12 api` to update the reports, and commit them.");
    process.exitCode = 1;
  }
} finally {
  rmSync(temporary, { recursive: true });
}
