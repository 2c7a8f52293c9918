import { DYNAMODB_REGION, EMULATOR_CREDENTIALS } from "../dynamodb-options.js";
import type { DynamodbService } from "../service.js";
import { type Address, badAddress, deadAddress, hostAndPort } from "./address.js";
import { notOurs } from "./not-ours.js";

/** An endpoint such as `http://127.0.0.1:8000`. AWS_REGION and the AWS credentials are used where they are set. */
export async function dynamodbAt(address: Address): Promise<DynamodbService> {
  const secure = address.url.startsWith("https:");
  const place = hostAndPort(address, ["http:", "https:"], secure ? 443 : 80);
  if (!place) throw badAddress(address, "http://host:port");
  const at = `${place.host}:${place.port}`;
  const region = process.env["AWS_REGION"] ?? DYNAMODB_REGION;
  const credentials = process.env["AWS_ACCESS_KEY_ID"] ? undefined : EMULATOR_CREDENTIALS;
  try {
    // The SDK is slow to load, and only an address that is given needs it.
    const { listTables } = await import("../support/dynamodb-client.js");
    await listTables({ url: address.url, region, credentials });
  } catch (error) {
    throw deadAddress(address, at, error);
  }
  return { ...notOurs(address, at), ...place, region, credentials };
}
