import { createHash } from "node:crypto";
import { type Departure, requestIdHeader } from "./departure.js";
import { readBody, serviceError } from "./http-answer.js";
import type { Connection, Message, Resolved } from "./sdk-stack.js";

/**
 * Sends a request to the endpoint of an earlier request. Uses the client's signer and request handler, but not its
 * middleware, which would double the CPU time.
 */
export async function sendDirectly(
  { client, isNodeHandler }: Connection,
  { target, scheme }: Resolved,
  credentials: object,
  { operation, body, request }: Message,
  departure: Departure,
): Promise<Uint8Array> {
  const { requestHandler, streamCollector } = client.config;
  const { signer, httpAuthOption } = scheme;
  const properties = { ...httpAuthOption.signingProperties };
  const { host = "", "user-agent": userAgent = "" } = target.headers;
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    host,
    // The signer uses this hash. Computing the hash itself would take longer.
    "x-amz-content-sha256": createHash("sha256").update(body).digest("hex"),
    "x-amz-target": `DynamoDB_20120810.${operation}`,
  };
  const signed = await signer.sign({ ...target, headers, body } as typeof target, credentials, properties);
  // These headers need no signature.
  signed.headers["content-length"] = String(Buffer.byteLength(body));
  signed.headers["user-agent"] = userAgent;
  signed.headers[requestIdHeader] = departure.id;
  departure.handOver();
  try {
    const abortSignal = isNodeHandler ? departure : request.signal;
    const { response } = await requestHandler.handle(signed as typeof target, { abortSignal });
    const bytes = await readBody(response, streamCollector);
    departure.answer(response.statusCode);
    if (response.statusCode !== 200) throw serviceError(response, bytes);
    signer.successHandler?.(response, properties);
    return bytes;
  } catch (error) {
    // Corrects the SDK's clock with the time in the response.
    signer.errorHandler?.(properties)(error as Error);
    throw error;
  }
}
