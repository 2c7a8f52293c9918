import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** Channels of Node.js: https://nodejs.org/api/diagnostics_channel.html#net and #child-process */
const socketChannel = "net.client.socket";
const processChannel = "child_process";

/**
 * Ends what a search for credentials leaves behind when the store closes: a connection to a metadata service that does
 * not respond, or the process of a `credential_process`. The SDK's providers cannot be cancelled, and would keep the
 * process alive.
 */
export class CredentialLookups {
  readonly #context: AsyncLocalStorage<this> = new AsyncLocalStorage();
  readonly #resources: Set<() => void> = new Set();
  #pending = 0;
  #isClosed = false;

  /** Runs a search and follows what it opens. */
  async run<Result>(search: () => Promise<Result>): Promise<Result> {
    if (this.#pending++ === 0) {
      subscribe(socketChannel, this.#onSocket);
      subscribe(processChannel, this.#onProcess);
    }
    try {
      return await this.#context.run(this, search);
    } finally {
      if (--this.#pending === 0) {
        unsubscribe(socketChannel, this.#onSocket);
        unsubscribe(processChannel, this.#onProcess);
        // While a context is enabled, Node.js 20 follows every promise of the process, which takes time.
        this.#context.disable();
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const end of this.#resources) end();
  }

  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    this.#follow(socket, "close", () => socket.destroy());
  };

  readonly #onProcess = (message: unknown): void => {
    const { process } = message as { process: ChildProcess };
    // A process that this process has started may keep the output open.
    this.#follow(process, "exit", () => {
      process.kill("SIGKILL");
      process.stdout?.destroy();
      process.stderr?.destroy();
    });
  };

  #follow(resource: Socket | ChildProcess, endEvent: string, end: () => void): void {
    if (this.#context.getStore() !== this) return;
    this.#resources.add(end);
    resource.once(endEvent, () => this.#resources.delete(end));
    // The process or connection starts after this event.
    if (this.#isClosed) setImmediate(end);
  }
}
