import type { Duplex } from "node:stream";
import { type Fault, FaultError } from "@manykv/core/driver";
import type { Redis, RedisOptions } from "ioredis";
import type { Lifetime } from "../connection/lifetime.js";

type Connector = NonNullable<RedisOptions["Connector"]>;
type Stream = Redis["stream"];

/** A stream that need not be a socket: it may lack the methods that set options of a socket. */
type AnyStream = Duplex & Partial<Pick<Stream, "setNoDelay" | "setKeepAlive">>;

/**
 * Returns options that make ioredis connect with the connector of the caller. ioredis ends the process if a connector
 * delivers no stream, a stream that is not a socket, or a stream that emits several errors.
 *
 * @param attempt - the connector's stream is closed if it is delivered after the end of the attempt
 */
export function guardConnector({ Connector, noDelay, keepAlive }: RedisOptions, attempt: Lifetime): RedisOptions {
  if (!Connector) return {};
  // A function that returns an object can be called with `new`.
  function Guarded(...args: ConstructorParameters<Connector>): InstanceType<Connector> {
    const connector = new (Connector as Connector)(...args);
    const connect = connector.connect.bind(connector);
    connector.connect = async (emit) => {
      const stream: AnyStream | undefined = await connect(emit);
      if (typeof stream?.destroy !== "function") throw new FaultError(noStream);
      stream.on("error", ignore);
      if (attempt.ended) stream.destroy();
      if (noDelay) stream.setNoDelay?.(true);
      if (typeof keepAlive === "number") stream.setKeepAlive?.(true, keepAlive);
      return stream as Stream;
    };
    return connector;
  }
  // The function above sets these options, because ioredis fails if the stream cannot. `undefined` means the default.
  return { Connector: Guarded, noDelay: false, keepAlive: null } as unknown as RedisOptions;
}

function ignore(): void {}

const noStream: Fault = Object.freeze({
  code: "invalid-argument",
  retryable: false,
  effect: "none",
  reason: "the `Connector` of the client must return a stream",
});
