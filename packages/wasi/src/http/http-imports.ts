import { type ImportObject, WitError } from "../shapes/shape.js";
import { bodyStreams, type ShimClass } from "./body-streams.js";
import { type HttpRequest, PendingResponse, ResponseContent, type ResponseSink } from "./exchange.js";

/** The resources that the export `handle` of a component receives. */
export interface Exchange {
  readonly request: object;
  readonly responseOut: object;
  readonly response: PendingResponse;
}

export interface HttpImports {
  readonly imports: ImportObject;
  createExchange(request: HttpRequest, sink: ResponseSink): Exchange;
}

interface ShimFields {
  append(name: string, value: Uint8Array): void;
  entries(): [string, Uint8Array][];
}

interface ShimResponse {
  statusCode(): number;
  headers(): ShimFields;
}

/** The head that a component sends: `ok` with a response, or `err` with an error code of `wasi:http`. */
type SentResponse =
  | { readonly tag: "ok"; readonly val: ShimResponse }
  | { readonly tag: "err"; readonly val: { tag: string } };

const methods = ["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"];

/** Headers that belong to the connection. A component gets the host as the authority. */
const hiddenHeaders = new Set(["connection", "keep-alive", "host"]);

/**
 * Adds the server's side of `wasi:http/types` to the imports of preview2-shim, so that requests come from a server of
 * this process. The client's side, with which a component sends requests, remains that of the shim.
 */
export function httpImports(imports: ImportObject): HttpImports {
  const types = imports["wasi:http/types"] as Record<string, ShimClass>;
  const { Fields, IncomingBody, OutgoingBody, OutgoingResponse } = types as Record<
    "Fields" | "IncomingBody" | "OutgoingBody" | "OutgoingResponse",
    ShimClass
  >;
  const streams = bodyStreams(imports);

  /**
   * The headers of a request, which a component cannot change. Does not store them in the shim, which accepts a value only
   * if it is text of Latin-1 characters, encoded as UTF-8.
   */
  class RequestHeaders extends (Fields as new () => ShimFields) {
    readonly #received: [name: string, value: Uint8Array][];

    constructor(headers: HttpRequest["headers"]) {
      super();
      // Node.js decodes each byte of a value as one character, and converts names to lower case.
      this.#received = headers
        .filter(([name]) => !hiddenHeaders.has(name))
        .map(([name, value]) => [name, new Uint8Array(Buffer.from(value, "latin1"))]);
    }

    get(name: string): Uint8Array[] {
      const found = this.#received.filter(([each]) => each === name.toLowerCase());
      return found.map(([, value]) => value);
    }

    has(name: string): boolean {
      return this.get(name).length > 0;
    }

    override entries(): [name: string, value: Uint8Array][] {
      return this.#received;
    }

    /** Returns a copy for a request or response of the component. */
    clone(): ShimFields {
      const fields = new Fields() as unknown as ShimFields;
      for (const [name, value] of this.#received) {
        try {
          fields.append(name, value);
        } catch {
          // The shim cannot send this header.
        }
      }
      return fields;
    }

    override append(): void {
      throw new WitError({ tag: "immutable" });
    }

    set(): void {
      throw new WitError({ tag: "immutable" });
    }

    delete(): void {
      throw new WitError({ tag: "immutable" });
    }
  }

  class RequestBody extends IncomingBody {
    #bytes: Uint8Array | undefined;

    constructor(bytes: Uint8Array) {
      super();
      this.#bytes = bytes;
    }

    stream(): object {
      const bytes = this.#bytes;
      if (bytes === undefined) throw new WitError({ tag: "closed" });
      this.#bytes = undefined;
      return streams.input(bytes);
    }
  }

  class IncomingRequest {
    readonly #request: HttpRequest;
    #isConsumed = false;

    constructor(request: HttpRequest) {
      this.#request = request;
    }

    method(): { tag: string; val?: string } {
      const name = this.#request.method.toLowerCase();
      return methods.includes(name) ? { tag: name } : { tag: "other", val: this.#request.method };
    }

    pathWithQuery(): string {
      return this.#request.pathWithQuery;
    }

    scheme(): { tag: string } {
      return { tag: "HTTP" };
    }

    authority(): string | undefined {
      return this.#request.authority;
    }

    headers(): object {
      return new RequestHeaders(this.#request.headers);
    }

    consume(): object {
      if (this.#isConsumed) throw new WitError({ tag: "consumed" });
      this.#isConsumed = true;
      return new RequestBody(this.#request.body);
    }
  }

  class ResponseBody extends OutgoingBody {
    readonly #content: ResponseContent;
    #isTaken = false;

    constructor(content: ResponseContent) {
      super();
      this.#content = content;
    }

    write(): object {
      if (this.#isTaken) throw new WitError({ tag: "taken" });
      this.#isTaken = true;
      return streams.output(this.#content);
    }

    finish(trailers: unknown): void {
      if (trailers !== undefined) throw new WitError({ tag: "internal-error", val: "this server sends no trailers" });
      this.#content.finish();
    }

    [Symbol.dispose](): void {}
  }

  class ServerResponse extends (OutgoingResponse as new (headers: object) => ShimResponse) {
    readonly content: ResponseContent = new ResponseContent();

    body(): object {
      if (this.content.isTaken) throw new WitError({ tag: "taken" });
      this.content.isTaken = true;
      return new ResponseBody(this.content);
    }
  }

  class ResponseOutparam {
    readonly #respond: (response: SentResponse) => void;

    constructor(respond: (response: SentResponse) => void) {
      this.#respond = respond;
    }

    static set(outparam: ResponseOutparam, response: SentResponse): void {
      outparam.#respond(response);
    }
  }

  const finish = (body: object, trailers: unknown): void => {
    if (body instanceof ResponseBody) body.finish(trailers);
    else (OutgoingBody as unknown as { finish(body: object, trailers: unknown): void }).finish(body, trailers);
  };

  return {
    imports: {
      ...imports,
      "wasi:http/types": {
        ...types,
        IncomingRequest,
        ResponseOutparam,
        OutgoingResponse: ServerResponse,
        // The shim's outgoing requests have bodies of the same class.
        OutgoingBody: new Proxy(OutgoingBody, {
          get: (target, name) => (name === "finish" ? finish : Reflect.get(target, name)),
        }),
      },
    },
    createExchange: (request, sink) => {
      const response = new PendingResponse(sink);
      const respond = (sent: SentResponse): void => {
        if (sent.tag === "err") throw new Error(`the component responded with the error ${sent.val.tag}`);
        const { content } = sent.val as ServerResponse;
        response.send(sent.val.statusCode(), sent.val.headers().entries(), content);
      };
      return { request: new IncomingRequest(request), responseOut: new ResponseOutparam(respond), response };
    },
  };
}
