import { startDynamodb } from "../dynamodb.js";
import type { Service } from "../service.js";

/**
 * Starts DynamoDB and gives the tests, which inherit this process's environment, the region and the credentials that
 * an AWS client must have, so that none of them names any. What the environment says already stays.
 */
export async function startDynamodbForTests(): Promise<Service> {
  const service = await startDynamodb();
  process.env["AWS_REGION"] ??= service.region;
  if (service.credentials) {
    process.env["AWS_ACCESS_KEY_ID"] ??= service.credentials.accessKeyId;
    process.env["AWS_SECRET_ACCESS_KEY"] ??= service.credentials.secretAccessKey;
  }
  return service;
}
