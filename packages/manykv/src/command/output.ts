import { fileError } from "./command-error.js";
import { openOutputFile } from "./output-file.js";

/** Where results go: a file or, for `-`, standard output. */
export interface Output {
  /** Resolves when there is room for more. */
  write(data: string | Uint8Array): Promise<void>;
  /** All was written. */
  finish(): Promise<void>;
  /** Not all was written. A file that would look whole is not left behind. */
  abandon(): Promise<void>;
}

/** Nobody reads the output any more, as in `manykv export | head`. No failure: the reader had enough. */
export class ReaderGone extends Error {
  override readonly name: string = "ReaderGone";
}

export function openOutput(path: string): Promise<Output> {
  return path === "-" ? Promise.resolve(standardOutput()) : openOutputFile(path);
}

function standardOutput(): Output {
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        process.stdout.write(data, (error) => (error ? reject(outputError(error)) : resolve()));
      }),
    finish: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  };
}

function outputError(error: Error): Error {
  const code = "code" in error ? error.code : undefined;
  if (code === "EPIPE" || code === "ERR_STREAM_DESTROYED") return new ReaderGone();
  return fileError("write", "standard output", error);
}
