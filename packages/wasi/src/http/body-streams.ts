import { type ImportObject, WitError } from "../shapes/shape.js";
import type { ResponseContent } from "./exchange.js";

/** A class of preview2-shim. Its instances have private fields, so a stream that the shim accepts must extend it. */
export type ShimClass = new (...args: unknown[]) => object;

/** A stream of a component from which a body may be copied. */
interface ReadableStream {
  read(length: bigint): Uint8Array;
  blockingRead(length: bigint): Uint8Array;
}

/** How many bytes a component may write at once. */
const writeBytes = 1024n * 1024n;

/** Functions that create the streams of bodies which are in memory: reading and writing never waits. */
export interface BodyStreams {
  input(bytes: Uint8Array): object;
  output(content: ResponseContent): object;
}

export function bodyStreams(imports: ImportObject): BodyStreams {
  const { InputStream, OutputStream } = imports["wasi:io/streams"] as Record<string, ShimClass>;
  const { subscribeDuration } = imports["wasi:clocks/monotonic-clock"] as {
    subscribeDuration(nanoseconds: bigint): object;
  };
  if (InputStream === undefined || OutputStream === undefined) throw new TypeError("preview2-shim has no streams");

  class BodyInput extends InputStream {
    readonly #bytes: Uint8Array;
    #offset = 0;

    constructor(bytes: Uint8Array) {
      super();
      this.#bytes = bytes;
    }

    read(length: bigint): Uint8Array {
      if (this.#offset === this.#bytes.length) throw new WitError({ tag: "closed" });
      const start = this.#offset;
      this.#offset = Math.min(this.#bytes.length, start + Number(length));
      return this.#bytes.subarray(start, this.#offset);
    }

    blockingRead(length: bigint): Uint8Array {
      return this.read(length);
    }

    skip(length: bigint): bigint {
      return BigInt(this.read(length).length);
    }

    blockingSkip(length: bigint): bigint {
      return this.skip(length);
    }

    subscribe(): object {
      return subscribeDuration(0n);
    }

    [Symbol.dispose](): void {}
  }

  class BodyOutput extends OutputStream {
    readonly #content: ResponseContent;

    constructor(content: ResponseContent) {
      super();
      this.#content = content;
    }

    checkWrite(): bigint {
      return writeBytes;
    }

    write(bytes: Uint8Array): void {
      this.#content.write(bytes);
    }

    blockingWriteAndFlush(bytes: Uint8Array): void {
      this.write(bytes);
    }

    flush(): void {}

    blockingFlush(): void {}

    writeZeroes(length: bigint): void {
      this.write(new Uint8Array(Number(length)));
    }

    blockingWriteZeroesAndFlush(length: bigint): void {
      this.writeZeroes(length);
    }

    splice(source: ReadableStream, length: bigint): bigint {
      const bytes = source.read(length);
      this.write(bytes);
      return BigInt(bytes.length);
    }

    blockingSplice(source: ReadableStream, length: bigint): bigint {
      const bytes = source.blockingRead(length);
      this.write(bytes);
      return BigInt(bytes.length);
    }

    subscribe(): object {
      return subscribeDuration(0n);
    }

    [Symbol.dispose](): void {}
  }

  return { input: (bytes) => new BodyInput(bytes), output: (content) => new BodyOutput(content) };
}
