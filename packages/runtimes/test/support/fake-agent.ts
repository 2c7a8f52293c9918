import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync, inflateSync } from "node:zlib";

/** A local server that accepts whatever a tracing agent sends, so that the agent's data never leaves the machine. */
export class FakeAgent implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    void this.#receive(request).then(() => {
      response.setHeader("content-type", "application/json");
      response.end('{"version":"8.17.0"}');
    });
  });
  #bodies: Buffer[] = [];

  static async start(): Promise<FakeAgent> {
    const agent = new FakeAgent();
    await new Promise<void>((resolve) => agent.#server.listen(0, "127.0.0.1", resolve));
    return agent;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** All bodies so far, as text. Bodies may be binary, but strings in them stay readable. */
  get received(): string {
    return Buffer.concat(this.#bodies).toString("latin1");
  }

  async #receive(request: IncomingMessage): Promise<void> {
    const body = await buffer(request).catch(() => undefined); // The program ended while it was sending.
    if (body !== undefined) this.#bodies.push(decode(body, request.headers["content-encoding"]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function decode(body: Buffer, encoding: string | undefined): Buffer {
  if (encoding === "gzip") return gunzipSync(body);
  return encoding === "deflate" ? inflateSync(body) : body;
}
