import { basename } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  addComponentOptions,
  type ComponentFlags,
  keyvalueOptions,
  wasiOptions,
} from "../component/component-options.js";
import { loadWasi } from "../component/load-wasi.js";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import { readInput } from "../input.js";
import { interrupt } from "../interrupt.js";
import { parseCount, type ToAction } from "../options.js";
import { printMessage } from "../terminal.js";
import { unlessAborted } from "../unless-aborted.js";

interface ServeFlags extends ComponentFlags {
  readonly host: string;
  readonly port: number;
  readonly threads?: number;
  readonly maxBodyBytes?: number;
}

export function addServeCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("serve")
    .summary("serve HTTP with a WebAssembly component, with stores as wasi:keyvalue")
    .description(
      "Serve HTTP with a WebAssembly component that exports wasi:http/incoming-handler, or wasi:http/handler of WASI 0.3. It finds the stores of the options through wasi:keyvalue. Each request gets a new instance of the component.",
    )
    .argument("<component>", "file with the component");
  addComponentOptions(command)
    .option("--host <address>", "address of the server", "127.0.0.1")
    .addOption(
      new Option("-p, --port <number>", "port of the server; 0 for any free port").argParser(parsePort).default(8080),
    )
    .addOption(
      new Option(
        "--threads <count>",
        "Node.js 20 and 22: maximum number of requests at the same time (default: 4, or the number of processors if it is larger)",
      ).argParser(parseCount),
    )
    .addOption(
      new Option("--max-body-bytes <count>", "maximum size of the body of a request (default: 16 MiB)").argParser(
        parseCount,
      ),
    )
    .addHelpText("after", help)
    .action(toAction(serve));
}

const help = `
SIGTERM or Ctrl-C stops accepting requests and ends the command after every response
was sent. A second signal ends it at once.

If a request fails, the client gets status 500 without the reason, and the command
prints the reason.

Examples
  manykv serve --store default=redis://localhost:6379 --port 8080 component.wasm
  manykv serve -s sessions=redis://cache -s orders=postgres://db/shop --host 0.0.0.0 component.wasm`;

/** The longest delay of a timer, in milliseconds: 24 days. */
const maxDelay = 2 ** 31 - 1;

async function serve(path: string, flags: ServeFlags): Promise<ExitCode> {
  const wasi = await loadWasi();
  const bytes = await readInput(path, interrupt.stop);
  const { host, port, threads, maxBodyBytes } = flags;
  const serving = wasi.serveComponent(bytes, {
    keyvalue: keyvalueOptions(flags),
    wasi: wasiOptions(flags, [basename(path)]),
    host,
    port,
    threads,
    maxBodyBytes,
    onRequestError: (error) => printMessage(`a request failed: ${error instanceof Error ? error.message : error}`),
  });
  const server = await serving.catch((error: unknown) => {
    throw isListenError(error)
      ? new CommandError(exitCode.usage, `cannot serve at ${host}:${port}: ${error.code}`)
      : error;
  });
  printMessage(`serving at http://${host.includes(":") ? `[${host}]` : host}:${server.port}`);
  // Responses may take longer than other calls. A second signal ends the command at once.
  interrupt.grace = maxDelay;
  await whenAborted(interrupt.stop);
  await unlessAborted(interrupt.abort, server.close());
  return exitCode.done;
}

function isListenError(error: unknown): error is NodeJS.ErrnoException {
  const { syscall } = Object(error) as NodeJS.ErrnoException;
  return syscall === "listen" || syscall === "getaddrinfo";
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("Pass a number from 0 to 65535.");
}
