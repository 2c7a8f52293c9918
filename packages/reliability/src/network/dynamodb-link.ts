import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Random } from "../random.js";
import type { Address } from "./link.js";

type Json = Record<string, unknown>;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** What goes wrong with a request. */
export type ServiceFault =
  /** Each item is left unprocessed with this probability. */
  | { readonly kind: "unprocessed"; readonly probability: number }
  | { readonly kind: "throttle" | "error-before" | "error-after" | "reset-before" | "reset-after" };

export const serviceFaultKinds: readonly ServiceFault["kind"][] = [
  "unprocessed",
  "throttle",
  "error-before",
  "error-after",
  "reset-before",
  "reset-after",
];

/** Stands before DynamoDB and answers as it does under load, which no emulator does by itself. */
export class DynamodbLink implements AsyncDisposable {
  /** Draws what goes wrong with a request; nothing by default. */
  draw: (operation: string) => ServiceFault | undefined = () => undefined;
  random: Random;
  readonly requests: { readonly at: number; readonly operation: string }[] = [];
  readonly #server: Server;
  readonly #target: Address;

  private constructor(target: Address, random: Random) {
    this.#target = target;
    this.random = random;
    this.#server = createServer((incoming, outgoing) => {
      // A client that gives up closes its connection in the middle.
      this.#serve(incoming, outgoing).catch(() => incoming.socket.destroy());
    });
    this.#server.keepAliveTimeout = 120_000;
  }

  static async before(target: Address, random: Random): Promise<DynamodbLink> {
    const link = new DynamodbLink(target, random);
    await new Promise<void>((resolve) => {
      link.#server.listen(0, "127.0.0.1", resolve);
    });
    return link;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const operation = String(incoming.headers["x-amz-target"]).split(".")[1] ?? "";
    const body = await buffer(incoming);
    this.requests.push({ at: performance.now(), operation });
    const fault = this.draw(operation);
    switch (fault?.kind) {
      case undefined:
        return answer(outgoing, await this.#forward(incoming, body));
      case "unprocessed":
        return answer(outgoing, await this.#leaveOut(incoming, operation, body, fault.probability));
      case "throttle":
        return answer(outgoing, refusal(400, "ProvisionedThroughputExceededException"));
      case "error-after":
        await this.#forward(incoming, body);
        return answer(outgoing, refusal(500, "InternalServerError"));
      case "error-before":
        return answer(outgoing, refusal(500, "InternalServerError"));
      case "reset-after":
        await this.#forward(incoming, body);
        incoming.socket.resetAndDestroy();
        return;
      case "reset-before":
        incoming.socket.resetAndDestroy();
    }
  }

  /** Forwards a part of the batch and says of the rest that it was not processed. */
  async #leaveOut(
    incoming: IncomingMessage,
    operation: string,
    body: Buffer,
    probability: number,
  ): Promise<Answer> {
    const sent = JSON.parse(body.toString()) as { RequestItems?: Record<string, unknown> };
    const [table, part] = Object.entries(sent.RequestItems ?? {})[0] ?? [];
    if (table === undefined) return this.#forward(incoming, body);
    const isRead = operation === "BatchGetItem";
    const items = (isRead ? (part as { Keys: Json[] }).Keys : part) as Json[];
    const left = items.filter(() => this.random.chance(probability));
    const rest = items.filter((item) => !left.includes(item));
    const of = (some: Json[]) => ({ [table]: isRead ? { ...(part as Json), Keys: some } : some });
    const done =
      rest.length === 0
        ? { status: 200, body: Buffer.from(isRead ? `{"Responses":{"${table}":[]}}` : "{}") }
        : await this.#forward(incoming, Buffer.from(JSON.stringify({ ...sent, RequestItems: of(rest) })));
    if (done.status !== 200) return done;
    const parsed = JSON.parse(done.body.toString()) as Json;
    const unprocessed = left.length === 0 ? {} : of(left);
    const merged = { ...parsed, [isRead ? "UnprocessedKeys" : "UnprocessedItems"]: unprocessed };
    return { status: 200, body: Buffer.from(JSON.stringify(merged)) };
  }

  #forward(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const { host: _, "content-length": __, ...headers } = incoming.headers;
    return new Promise((resolve, reject) => {
      const onward = request({
        ...this.#target,
        method: "POST",
        headers: { ...headers, "content-length": body.length },
      });
      onward.on("error", reject).on("response", (response) => {
        buffer(response).then(
          (answered) => resolve({ status: response.statusCode ?? 0, body: answered }),
          reject,
        );
      });
      onward.end(body);
    });
  }
}

/** Without the checksum, which may not fit any more; the driver goes without where there is none. */
function answer(outgoing: ServerResponse, { status, body }: Answer): void {
  outgoing.writeHead(status, { "content-type": "application/x-amz-json-1.0", "content-length": body.length });
  outgoing.end(body);
}

function refusal(status: number, name: string): Answer {
  const body = { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: "injected" };
  return { status, body: Buffer.from(JSON.stringify(body)) };
}
