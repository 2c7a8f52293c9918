import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Creates a folder for the current test. Like the system's temporary folder, every user may enter it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "manykv-test-"));
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
