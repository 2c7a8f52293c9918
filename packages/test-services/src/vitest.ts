import { inject } from "vitest";
import type { ServiceName } from "./setup/global-setup.js";

declare module "vitest" {
  interface ProvidedContext {
    "manykv:redis": string;
    "manykv:redis-cluster": string;
    "manykv:postgres": string;
    "manykv:dynamodb": string;
  }
}

/**
 * Returns the address of a server that this project's `globalSetup` starts. Throws if `globalSetup` starts no server of
 * this kind.
 *
 * For DynamoDB, the address is an endpoint such as `http://127.0.0.1:8000`. AWS clients read the region and credentials
 * from `AWS_REGION`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
 */
export function serviceUrl(name: ServiceName): string {
  const url = inject(`manykv:${name}`);
  if (url === undefined) {
    throw new Error(
      `This project starts no ${name} server. Add "@manykv/test-services/setup/${name}" to globalSetup in vitest.config.ts`,
    );
  }
  return url;
}
