import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamodbDriverOptions } from "./options.js";

/** Time to reach the server, in milliseconds. What takes longer is tried again rather than waited for. */
const connectionTimeout = 3_000;
/** Four calls at full concurrency; the requests of further ones wait for a socket. */
const maxSockets = 64;

/**
 * The driver's own client. It neither retries nor limits the time of a request: core does both, over all attempts
 * together, and ends a request by its signal.
 */
export function createClient(options: DynamodbDriverOptions): DynamoDBClient {
  const { region, endpoint, credentials } = options;
  const agent = { keepAlive: true, maxSockets };
  return new DynamoDBClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: 1,
    requestHandler: { connectionTimeout, httpAgent: agent, httpsAgent: agent },
  });
}
