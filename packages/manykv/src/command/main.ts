#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { runCommand } from "./program.js";

// A reader that goes away, as in `manykv help | head -1` or `manykv import 2>&1 | head`, must not end the process in the
// middle of its work. Who writes data is told by the write's callback.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const { version } = manifest as { version: string };
// Not process.exit(): what was written to a pipe must get there.
process.exitCode = await runCommand(version, process.argv.slice(2));
