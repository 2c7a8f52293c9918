import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder of the test's own, which every user may enter, as the system's own temporary folder lets them. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "manykv-test-"));
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
