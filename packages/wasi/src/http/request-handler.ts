import { StoreError } from "@manykv/core";
import type { Component } from "../component/load-component.js";
import type { Keyvalue } from "../keyvalue.js";
import type { ImportObject } from "../shapes/shape.js";
import type { HttpRequest, ResponseSink } from "./exchange.js";
import { httpImports } from "./http-imports.js";

/** Handles one request. Rejects with the reason if the component fails, after the client got a response. */
export type RequestHandler = (request: HttpRequest, sink: ResponseSink) => Promise<void>;

/**
 * Returns a function that handles each request in a new instance of the component, so that requests never see the memory
 * of one another.
 *
 * @param imports - the imports of preview2-shim
 * @throws {StoreError} `invalid-argument` if the component does not export `wasi:http/incoming-handler`.
 */
export function requestHandler(
  component: Component,
  keyvalue: Keyvalue | undefined,
  imports: ImportObject,
): RequestHandler {
  const name = handlerOf(component);
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
      throw error;
    }
  };
}

function handlerOf({ exports }: Component): string {
  const found = exports.find((name) => /^wasi:http\/incoming-handler@0\.2\./.test(name));
  if (found !== undefined) return found;
  const others = exports.length === 0 ? "nothing" : exports.join(", ");
  throw new StoreError(
    "invalid-argument",
    `serving needs a component that exports wasi:http/incoming-handler@0.2. This one exports ${others}`,
  );
}
