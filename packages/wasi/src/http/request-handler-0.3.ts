import type { Component } from "../component/load-component.js";
import { loadShim03 } from "../component/wasi-imports-0.3.js";
import type { Keyvalue } from "../keyvalue.js";
import type { ImportObject } from "../shapes/shape.js";
import { type HttpRequest, PendingResponse, ResponseContent } from "./exchange.js";
import type { RequestHandler } from "./request-handler.js";

/** Headers that WASI 0.3 forbids, because they belong to the connection. A component gets the host as the authority. */
const hiddenHeaders = new Set([
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

interface ShimResponse {
  getStatusCode(): number;
  getHeaders(): { copyAll(): [name: string, value: Uint8Array][] };
}

/** Returns a function that handles each request in a new instance of a component that exports `wasi:http/handler`. */
export async function requestHandler03(
  name: string,
  component: Component,
  keyvalue: Keyvalue | undefined,
  imports: ImportObject,
): Promise<RequestHandler> {
  const { http, future, stream } = await loadShim03();
  const { Fields, Request, Response } = http.types;

  /** Returns `undefined` if the client sent a path, a host or a header that Node.js accepts but WASI does not. */
  function toRequest({ method, pathWithQuery, authority, headers, body }: HttpRequest): object | undefined {
    const entries = headers
      .filter(([each]) => !hiddenHeaders.has(each))
      .map(([each, value]) => [each, Buffer.from(value, "latin1")] as const);
    const { tx, rx: trailers } = future.future();
    void tx.write({ tag: "ok", val: undefined });
    try {
      const [request] = Request.new(Fields.fromList(entries), new stream.StreamReader([body]), trailers, undefined);
      request.setMethod(method);
      request.setPathWithQuery(pathWithQuery);
      request.setScheme("http");
      request.setAuthority(authority);
      return request;
    } catch {
      return undefined;
    }
  }

  return async (request, sink) => {
    const incoming = toRequest(request);
    if (incoming === undefined) {
      sink.head(400, []);
      sink.end();
      return;
    }
    const response = new PendingResponse(sink);
    try {
      const exports = await component.instantiate(keyvalue, imports);
      const { handle } = exports[name] as { handle(request: object): Promise<ShimResponse> };
      const returned = await handle(incoming).catch((error: unknown) => {
        if (error instanceof Error) throw error;
        throw new Error(`the component returned the error ${(error as { readonly tag?: string }).tag}`);
      });
      const content = new ResponseContent();
      response.send(returned.getStatusCode(), returned.getHeaders().copyAll(), content);
      const [body] = Response.consumeBody(returned, future.future().rx);
      for (let chunk = await body?.read(); chunk; chunk = await body?.read()) content.write(chunk);
      content.finish();
    } catch (error) {
      response.fail();
      throw error;
    }
  };
}
