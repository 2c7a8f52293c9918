import { randomBytes } from "node:crypto";
import { BatchGetItemCommand, DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { Signer } from "../../src/transport/signature.js";

interface SignedRequest {
  path: string;
  headers: Record<string, string> & { authorization?: string };
  body: Uint8Array;
}

/** A request that the SDK has signed and not sent. */
async function signedBySdk(config: DynamoDBClientConfig, body: Uint8Array, extra: Record<string, string>) {
  const client = new DynamoDBClient({ ...config, maxAttempts: 1 });
  const command = new BatchGetItemCommand({ RequestItems: { table: { Keys: [] } } });
  let signed: SignedRequest | undefined;
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as SignedRequest;
      request.body = body;
      Object.assign(request.headers, extra);
      return next(args);
    },
    { step: "build", priority: "high" },
  );
  command.middlewareStack.add(
    () => (args) => {
      signed = args.request as SignedRequest;
      throw new Error("not to be sent");
    },
    { step: "deserialize", priority: "low" },
  );
  await client.send(command).catch(() => {});
  client.destroy();
  if (signed === undefined) throw new Error("the SDK made no request");
  return signed;
}

const plain = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const temporary = { ...plain, accessKeyId: "ASIAEXAMPLE", sessionToken: "token/with+odd=characters//" };

describe("the signature is the SDK's own", () => {
  const signer = new Signer();

  test.each<[string, DynamoDBClientConfig, Record<string, string>]>([
    ["with a user's credentials", { region: "eu-west-1", credentials: plain }, {}],
    ["with a role's credentials", { region: "us-east-1", credentials: temporary }, {}],
    ["in China", { region: "cn-north-1", credentials: plain }, {}],
    [
      "for an endpoint with a port",
      { region: "x", credentials: plain, endpoint: "http://localhost:8000" },
      {},
    ],
    [
      "for an endpoint with a path",
      { region: "x", credentials: plain, endpoint: "http://h/a b/~c.d/\u00e9%20" },
      {},
    ],
    [
      "with blanks in a header",
      { region: "eu-west-1", credentials: plain },
      { "x-amz-odd": "  two  blanks " },
    ],
  ])("%s", async (_, config, extra) => {
    for (const body of [
      new Uint8Array(),
      new TextEncoder().encode('{"S":"\u00e9\u0000"}'),
      randomBytes(5_000),
    ]) {
      const { path, headers, body: sent } = await signedBySdk(config, body, extra);
      const names = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1]?.split(";") ?? [];
      const added = ["x-amz-date", "x-amz-security-token"];
      const unsigned = Object.fromEntries(
        names.filter((name) => !added.includes(name)).map((name) => [name, headers[name] ?? ""]),
      );
      const stamp = headers["x-amz-date"]?.replace(/^(....)(..)(..T..)(..)(..)Z$/, "$1-$2-$3:$4:$5Z") ?? "";
      const signed = signer.sign(
        { path, headers: unsigned, body: sent },
        config.credentials as typeof plain,
        { region: String(config.region), service: "dynamodb" },
        new Date(stamp),
      );
      expect(signed.authorization).toBe(headers.authorization);
      expect(signed["x-amz-security-token"]).toBe(headers["x-amz-security-token"]);
    }
  });

  test("changes with the day and with the secret, and comes again with the same", () => {
    const request = { path: "/", headers: { host: "h" }, body: new Uint8Array() };
    const scope = { region: "r", service: "s" };
    const sign = (secretAccessKey: string, time: string) =>
      signer.sign(request, { ...plain, secretAccessKey }, scope, new Date(time)).authorization;
    const first = sign("one", "2026-01-01T00:00:00Z");
    const others = [sign("two", "2026-01-01T00:00:00Z"), sign("one", "2026-01-02T00:00:00Z")];
    expect(new Set([first, ...others]).size).toBe(3);
    expect(sign("one", "2026-01-01T00:00:00Z")).toBe(first);
  });
});
