import { StoreError } from "@manykv/core";
import type { Component } from "../component/load-component.js";
import type { Keyvalue } from "../keyvalue.js";
import type { ImportObject } from "../shapes/shape.js";
import type { HttpRequest, ResponseSink } from "./exchange.js";
import { httpImports } from "./http-imports.js";
import { requestHandler03 } from "./request-handler-0.3.js";

/** Handles one request. Rejects with the reason if the component fails, after the client got a response. */
export type RequestHandler = (request: HttpRequest, sink: ResponseSink) => Promise<void>;

/**
 * Returns a function that handles each request in a new instance of the component, so that requests never see the memory
 * of one another.
 *
 * @param imports - what `wasiImports` returns
 * @throws {StoreError} `invalid-argument` if the component exports neither `wasi:http/incoming-handler` nor
 * `wasi:http/handler`.
 */
export async function requestHandler(
  component: Component,
  keyvalue: Keyvalue | undefined,
  imports: ImportObject,
): Promise<RequestHandler> {
  const name = handlerOf(component);
  if (!name.startsWith(incomingHandler)) return requestHandler03(name, component, keyvalue, imports);
  const http = httpImports(imports);
  return async (request, sink) => {
    const { request: incoming, responseOut, response } = http.createExchange(request, sink);
    try {
      const exports = await component.instantiate(keyvalue, http.imports);
      const { handle } = exports[name] as { handle(request: object, responseOut: object): unknown };
      await handle(incoming, responseOut);
      response.returned();
    } catch (error) {
      response.fail();
      throw toError(error);
    }
  };
}

/** If a function without an error type fails, the shim throws an object without a message. */
function toError(error: unknown): Error {
  if (error instanceof Error) return error;
  const { tag = String(error) } = Object(error) as { readonly tag?: string };
  return new Error(`a function that the component imports failed: ${tag}`);
}

const incomingHandler = "wasi:http/incoming-handler@0.2.";

function handlerOf({ exports }: Component): string {
  const found = exports.find((name) => name.startsWith(incomingHandler) || name.startsWith("wasi:http/handler@0.3."));
  if (found !== undefined) return found;
  const others = exports.length === 0 ? "nothing" : exports.join(", ");
  throw new StoreError(
    "invalid-argument",
    `serving needs a component that exports wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3. This one exports ${others}`,
  );
}
