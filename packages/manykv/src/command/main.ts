#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { runCommand } from "./program.js";

const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const { version } = manifest as { version: string };
// Not process.exit(): what was written to a pipe must get there.
process.exitCode = await runCommand(version, process.argv.slice(2));
