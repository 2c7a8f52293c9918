#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { interrupt } from "./interrupt.js";
import { runCommand } from "./program.js";
import { neverBlock } from "./terminal.js";

// A reader may close the pipe early, as in `manykv import 2>&1 | head`. The command must still finish its work, so the
// `error` event must not end the process. Code that writes data receives the error in the callback of `write`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", () => {});
  neverBlock(stream);
}
interrupt.listen();

const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const { version } = manifest as { version: string };
const code = await runCommand(version, process.argv.slice(2));
// Set the exit code instead of calling process.exit(), which could lose data that is not yet written to a pipe.
process.exitCode = code;
await interrupt.end(code);
