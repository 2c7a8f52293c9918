import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const { platform, arch } = process;

/** The executable of Bun. npm's package `bun` would link it in an install script, which does not run here. */
export function bun(): string {
  return binary("bun", `@oven/bun-${platform}-${arch === "arm64" ? "aarch64" : arch}`, "bin/bun");
}

export function deno(): string {
  return binary("deno", `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}`, "deno");
}

function binary(name: string, platformPackage: string, file: string): string {
  const fromPackage = createRequire(createRequire(import.meta.url).resolve(`${name}/package.json`));
  return join(dirname(fromPackage.resolve(`${platformPackage}/package.json`)), file);
}
