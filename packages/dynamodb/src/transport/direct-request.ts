import { createHash } from "node:crypto";
import type { Json } from "../answer.js";
import { type Departure, requestIdHeader } from "./departure.js";
import { parseAnswer, readAnswer, serviceError } from "./http-answer.js";
import type { Message } from "./message.js";
import type { Connection, Resolved } from "./sdk-stack.js";

/**
 * Sends a request to the endpoint of an earlier request. Uses the client's signer and request handler, but not its
 * middleware, which would double the CPU time.
 */
export async function sendDirectly(
  { client, clock, isNodeHandler }: Connection,
  { target, scheme }: Resolved,
  credentials: object,
  message: Message,
  body: string,
  departure: Departure,
): Promise<Json> {
  const { requestHandler, streamCollector } = client.config;
  const { signer, httpAuthOption } = scheme;
  const properties = { ...httpAuthOption.signingProperties };
  const { host = "", "user-agent": userAgent = "" } = target.headers;
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    host,
    // The signer uses this hash. Computing the hash itself would take longer.
    "x-amz-content-sha256": createHash("sha256").update(body).digest("hex"),
    "x-amz-target": `DynamoDB_20120810.${message.operation}`,
  };
  const signed = await signer.sign({ ...target, headers, body } as typeof target, credentials, properties);
  // These headers need no signature.
  signed.headers["content-length"] = String(Buffer.byteLength(body));
  signed.headers["user-agent"] = userAgent;
  signed.headers[requestIdHeader] = departure.id;
  departure.handOver();
  try {
    const abortSignal = isNodeHandler ? departure : departure.signal;
    const sentAt = Date.now();
    const { response } = await requestHandler.handle(signed as typeof target, { abortSignal });
    clock.observe(sentAt, Date.now(), response.headers["date"]);
    const bytes = await readAnswer(response, streamCollector, message, departure);
    if (response.statusCode !== 200) throw serviceError(response, bytes);
    const json = parseAnswer(response, bytes);
    signer.successHandler?.(response, properties);
    return json;
  } catch (error) {
    // Corrects the SDK's clock with the time in the response.
    signer.errorHandler?.(properties)(error as Error);
    throw error;
  }
}
