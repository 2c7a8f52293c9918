import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";

export const dynamodbEndpoint: string = serviceUrl("dynamodb");

/** URLs of the real backends. Every run uses new table names. */
export const storeUrls: Readonly<Record<"redis" | "redis-cluster" | "postgres" | "dynamodb", string>> = {
  redis: serviceUrl("redis"),
  "redis-cluster": serviceUrl("redis-cluster"),
  postgres: `${serviceUrl("postgres")}?table=${randomName()}`,
  dynamodb: `dynamodb://eu-central-1/${randomName()}?endpoint=${encodeURIComponent(dynamodbEndpoint)}`,
};
