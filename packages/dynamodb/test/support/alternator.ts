import { createServer, type IncomingHttpHeaders, request } from "node:http";
import { buffer } from "node:stream/consumers";

/** A server in front of DynamoDB with manners of ScyllaDB Alternator and of old HTTP servers. */
export interface Alternator extends AsyncDisposable {
  readonly url: string;
  /** Removes the end of the next response. Its length is not announced, so only the content can show it. */
  truncatesNext: boolean;
  /** The operations of all requests, in order. */
  readonly operations: string[];
}

type Body = Record<string, unknown>;

/**
 * Sends no checksum and no length, closes each connection after the response, and formats JSON with white space. Does
 * not know BillingMode and backups, and names tables `arn:scylla:alternator:...`.
 */
export async function startAlternator(endpoint: string): Promise<Alternator> {
  const operations: string[] = [];
  let timeToLive: Body = { TimeToLiveStatus: "DISABLED" };
  const server = createServer(async (incoming, outgoing) => {
    const operation = String(incoming.headers["x-amz-target"]).split(".")[1] ?? "";
    operations.push(operation);
    const sent = JSON.parse((await buffer(incoming)).toString()) as Body;
    let { status, body } = await answerTo(operation, sent, incoming.headers);
    if (typeof body["__type"] === "string")
      body = { __type: body["__type"], message: body["message"] ?? body["Message"] };
    const text = JSON.stringify(body, undefined, 2);
    outgoing.useChunkedEncodingByDefault = false;
    outgoing.shouldKeepAlive = false;
    outgoing.writeHead(status, { server: "Seastar httpd", "content-type": "application/x-amz-json-1.0" });
    outgoing.end(alternator.truncatesNext ? text.slice(0, text.length / 2) : text);
    alternator.truncatesNext = false;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const alternator: Alternator = {
    url: `http://127.0.0.1:${port}`,
    truncatesNext: false,
    operations,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return alternator;

  async function answerTo(
    operation: string,
    sent: Body,
    headers: IncomingHttpHeaders,
  ): Promise<{ status: number; body: Body }> {
    if (operation === "DescribeContinuousBackups") {
      const message = "Unsupported operation DescribeContinuousBackups";
      return { status: 400, body: { __type: "UnknownOperationException", message } };
    }
    if (operation === "UpdateTimeToLive") {
      const specification = sent["TimeToLiveSpecification"] as Body;
      timeToLive = { TimeToLiveStatus: "ENABLED", AttributeName: specification["AttributeName"] };
      return { status: 200, body: { TimeToLiveSpecification: specification } };
    }
    if (operation === "DescribeTimeToLive") return { status: 200, body: { TimeToLiveDescription: timeToLive } };
    if (sent["BillingMode"] !== undefined) {
      return { status: 400, body: { __type: "ValidationException", message: "Unsupported parameter BillingMode" } };
    }
    const answer = await forward(endpoint, headers, sent);
    for (const name of ["Table", "TableDescription"]) {
      const table = answer.body[name] as Body | undefined;
      if (table === undefined) continue;
      table["TableArn"] = `arn:scylla:alternator:alternator_${table["TableName"]}:scylla:table/${table["TableName"]}`;
      delete table["BillingModeSummary"];
    }
    return answer;
  }
}

function forward(endpoint: string, headers: IncomingHttpHeaders, body: Body): Promise<{ status: number; body: Body }> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const length = String(Buffer.byteLength(text));
    const forwarded = request(endpoint, { method: "POST", headers: { ...headers, "content-length": length } });
    forwarded.on("error", reject);
    forwarded.on("response", async (answer) => {
      resolve({ status: answer.statusCode ?? 0, body: JSON.parse((await buffer(answer)).toString()) as Body });
    });
    forwarded.end(text);
  });
}
