#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { runCommand } from "./program.js";

// A reader may close the pipe early, as in `manykv import 2>&1 | head`. The command must still finish its work, so the
// `error` event must not end the process. Code that writes data receives the error in the callback of `write`.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const { version } = manifest as { version: string };
// Set the exit code instead of calling process.exit(), which could lose data that is not yet written to a pipe.
process.exitCode = await runCommand(version, process.argv.slice(2));
