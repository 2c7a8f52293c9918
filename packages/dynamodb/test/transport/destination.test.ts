import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { findDestination } from "../../src/transport/destination.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };

test.each<[string, DynamoDBClientConfig, object]>([
  [
    "a region",
    { region: "eu-west-1" },
    { protocol: "https:", hostname: "dynamodb.eu-west-1.amazonaws.com", path: "/" },
  ],
  ["a region in China", { region: "cn-north-1" }, { hostname: "dynamodb.cn-north-1.amazonaws.com.cn" }],
  [
    "FIPS",
    { region: "us-east-1", useFipsEndpoint: true },
    { hostname: "dynamodb-fips.us-east-1.amazonaws.com" },
  ],
  [
    "an account",
    { region: "us-east-1", credentials: { ...credentials, accountId: "123456789012" } },
    { hostname: "123456789012.ddb.us-east-1.amazonaws.com" },
  ],
  [
    "an endpoint",
    { region: "eu-west-1", endpoint: "http://localhost:8000/below" },
    { protocol: "http:", hostname: "localhost", port: 8000, path: "/below/" },
  ],
])("finds where the SDK would go: %s", async (_, config, expected) => {
  const client = new DynamoDBClient({ credentials, ...config });
  const destination = await findDestination(client, "table");
  expect(destination).toMatchObject({ region: config.region, service: "dynamodb", ...expected });
  expect(destination.userAgent).toContain("aws-sdk-js");
  client.destroy();
});

test("fails as the SDK does where there are no credentials", async () => {
  const none = () => Promise.reject(Object.assign(new Error("none"), { name: "CredentialsProviderError" }));
  const client = new DynamoDBClient({ region: "eu-west-1", credentials: none });
  await expect(findDestination(client, "table")).rejects.toMatchObject({ name: "CredentialsProviderError" });
  client.destroy();
});
