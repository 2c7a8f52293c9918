import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** Creates a folder and removes it after the tests of the file. */
export function temporaryFolder(): {
  path: (name: string) => string;
  file: (name: string, data: string | Uint8Array) => string;
  /** Returns the names of all files in the folder. */
  names: () => string[];
} {
  const folder = mkdtempSync(join(tmpdir(), "manykv-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    file: (name, data) => {
      writeFileSync(path(name), data);
      return path(name);
    },
    names: () => readdirSync(folder),
  };
}
