import { BatchGetItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** Where requests go, and what their signatures are for. */
export interface Destination {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly path: string;
  readonly region: string;
  readonly service: string;
  /** Names the SDK, and the application where the environment gives it a name. */
  readonly userAgent: string;
}

interface SignedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly headers: { readonly authorization?: string; readonly "user-agent"?: string };
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html */
const credentialScope = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request,/;

/**
 * Has the SDK make and sign a request, and looks at it instead of sending it. So whatever decides on the endpoint and
 * the region, be it options, environment, configuration files or the account, the SDK alone needs to know.
 */
export async function findDestination(client: DynamoDBClient, table: string): Promise<Destination> {
  const command = new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [] } } });
  let signed: SignedRequest | undefined;
  command.middlewareStack.add(
    () => async (args) => {
      signed = args.request as SignedRequest;
      throw new Error("not to be sent");
    },
    { name: "manykvDestination", step: "deserialize", priority: "low" },
  );
  await client.send(command).catch((error: unknown) => {
    if (signed === undefined) throw error;
  });
  const { protocol, hostname, port, path, headers } = signed as SignedRequest;
  const [, region, service] = credentialScope.exec(headers.authorization ?? "") ?? [];
  if (region === undefined || service === undefined) throw new Error("the SDK signs in an unknown way");
  return { protocol, hostname, port, path, region, service, userAgent: headers["user-agent"] ?? "manykv" };
}
