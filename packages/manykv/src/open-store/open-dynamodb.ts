import { type Store, StoreError, type StoreOptions } from "@manykv/core";
import { loadBackend } from "./load-backend.js";
import { refuseOthers, splitUrl, takeParameter } from "./url-parameters.js";

export async function openDynamodb(url: string, options: StoreOptions): Promise<Store> {
  const { address, parameters } = splitUrl(url);
  const endpoint = takeParameter(parameters, "endpoint");
  refuseOthers(parameters, ["endpoint"]);
  const place = placeOf(address);
  const { dynamodbStore } = await loadBackend(
    () => import("@manykv/dynamodb"),
    "@manykv/dynamodb @aws-sdk/client-dynamodb",
  );
  return dynamodbStore({ ...options, ...place, ...(endpoint !== undefined && { endpoint }) });
}

/** `dynamodb://region/table`. Credentials come from where AWS's clients look for them, never from the URL. */
function placeOf(address: string): { region: string; table: string } {
  const parts = /^dynamodb:\/\/([A-Za-z0-9-]+)\/([^/@#]+)$/i.exec(address);
  const [, region, encodedTable] = parts ?? [];
  const table = encodedTable === undefined ? undefined : decode(encodedTable);
  if (region !== undefined && table !== undefined) return { region, table };
  throw new StoreError(
    "invalid-argument",
    "openStore: a DynamoDB URL is dynamodb://REGION/TABLE, with no user, password or port; credentials come from the environment",
  );
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
