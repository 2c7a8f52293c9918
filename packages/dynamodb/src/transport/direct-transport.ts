import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DriverError } from "../driver-error.js";
import { untilAborted } from "../until-aborted.js";
import { verifyChecksum } from "./checksum.js";
import { Clock } from "./clock.js";
import { type Destination, findDestination } from "./destination.js";
import { NoCredentials, NotSent } from "./effects.js";
import { type HttpAnswer, HttpPost } from "./http-post.js";
import { parseAnswer } from "./json-answer.js";
import { errorName, ServiceError } from "./service-error.js";
import { type Credentials, Signer } from "./signature.js";
import type { Operation, Transport } from "./transport.js";

/** A request that is ready to be sent. */
interface Prepared {
  readonly destination: Destination;
  readonly headers: Readonly<Record<string, string>>;
  /** When it was signed. */
  readonly time: Date;
}

/**
 * Goes to DynamoDB itself, with the endpoint, the region and the credentials that the SDK finds. The SDK's own way of a
 * request, through serialisers and a dozen of middlewares, takes three to four times as much processor time as all
 * that manykv does for one, and does not tell whether a request that failed had left.
 */
export class DirectTransport implements Transport {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #http: HttpPost = new HttpPost();
  readonly #signer: Signer = new Signer();
  readonly #clock: Clock = new Clock();
  #way: { readonly accessKeyId: string; readonly destination: Promise<Destination> } | undefined;

  /** @param client Is asked, never sent through; the transport closes it. */
  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async send(operation: Operation, body: string, signal: AbortSignal): Promise<unknown> {
    const bytes = Buffer.from(body);
    const unsent = (): Error => new NotSent(new DriverError("Abandoned"));
    const { destination, headers, time } = await untilAborted(
      this.#prepare(operation, bytes),
      signal,
      unsent,
    );
    const answer = await this.#http.send(destination, headers, bytes, signal);
    verifyChecksum(answer.headers, answer.body);
    if (answer.status !== 200) throw this.#errorOf(answer, time);
    return parseAnswer(answer.body);
  }

  close(): void {
    this.#http.close();
    this.#client.destroy();
  }

  /** @throws {NotSent} */
  async #prepare(operation: Operation, body: Uint8Array): Promise<Prepared> {
    const credentials = await this.#credentials();
    try {
      const destination = await this.#destination(credentials);
      const { hostname, port, path, userAgent } = destination;
      const headers = {
        "content-type": "application/x-amz-json-1.0",
        host: port === undefined ? hostname : `${hostname}:${port}`,
        "x-amz-target": `DynamoDB_20120810.${operation}`,
      };
      const time = this.#clock.now();
      const signed = this.#signer.sign({ path, headers, body }, credentials, destination, time);
      const unsigned = { "content-length": String(body.length), "user-agent": userAgent };
      return { destination, headers: { ...signed, ...unsigned }, time };
    } catch (error) {
      throw new NotSent(error);
    }
  }

  /** The SDK keeps them until they have to be renewed. */
  async #credentials(): Promise<Credentials> {
    try {
      return await this.#client.config.credentials();
    } catch (error) {
      throw new NoCredentials(error);
    }
  }

  /** Other credentials may mean another account, and so another endpoint. */
  #destination({ accessKeyId }: Credentials): Promise<Destination> {
    if (this.#way?.accessKeyId !== accessKeyId) {
      const way = { accessKeyId, destination: findDestination(this.#client, this.#table) };
      this.#way = way;
      way.destination.catch(() => {
        if (this.#way === way) this.#way = undefined;
      });
    }
    return this.#way.destination;
  }

  #errorOf(answer: HttpAnswer, signed: Date): ServiceError {
    const name = errorName(answer);
    const corrected =
      /Signature|Expired|Skewed/.test(name) && this.#clock.correct(answer.headers.date, signed);
    return new ServiceError(name, answer.status, corrected);
  }
}
