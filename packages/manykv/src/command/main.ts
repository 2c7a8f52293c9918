#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { runCommand } from "./program.js";

// If a reader closes early, as in `manykv help | head -1` or `manykv import 2>&1 | head`, the command must finish its
// work. Code that writes data learns of the error from the callback of `write`.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const { version } = manifest as { version: string };
// Not process.exit(), which could lose data that is still on its way to a pipe.
process.exitCode = await runCommand(version, process.argv.slice(2));
