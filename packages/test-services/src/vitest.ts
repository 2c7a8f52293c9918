import { inject } from "vitest";
import type { ServiceName } from "./setup/shared-services.js";

declare module "vitest" {
  interface ProvidedContext {
    "manykv:redis": string;
    "manykv:redis-cluster": string;
    "manykv:postgres": string;
    "manykv:dynamodb": string;
  }
}

/**
 * The address of a server that this project's `globalSetup` asked for. Throws where it did not ask.
 *
 * DynamoDB's is an endpoint such as `http://127.0.0.1:8000`. The region and the credentials for it are in AWS_REGION,
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, where an AWS client finds them by itself.
 */
export function serviceUrl(name: ServiceName): string {
  const url = inject(`manykv:${name}`);
  if (url === undefined) {
    throw new Error(
      `Add "@manykv/test-services/setup/${name}" to globalSetup in this project's vitest.config.ts`,
    );
  }
  return url;
}
