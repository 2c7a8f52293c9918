import { StoreError } from "@manykv/core";
import type { DynamodbDriverOptions } from "./options.js";

const parameterNames = [
  "endpoint",
  "keyAttribute",
  "valueAttribute",
  "counterAttribute",
  "expiryAttribute",
  "ttlAttribute",
  "sortKeyAttribute",
  "sortKeyValue",
] as const;

/**
 * Returns the options that a URL contains: `dynamodb://REGION/TABLE?endpoint=url`. The other parameters, such
 * as `keyAttribute`, name the attributes of a table with another layout.
 *
 * @throws {StoreError} `invalid-argument` if the URL has another form, or if a parameter is unknown, empty or repeated.
 * The message contains no value of a parameter.
 */
export function optionsOfUrl(url: string): DynamodbDriverOptions {
  const mark = url.indexOf("?");
  const address = mark === -1 ? url : url.slice(0, mark);
  const { sortKeyAttribute, sortKeyValue, ...named } = parametersOf(mark === -1 ? "" : url.slice(mark + 1));
  if ((sortKeyAttribute === undefined) !== (sortKeyValue === undefined))
    throw invalid('pass the URL parameters "sortKeyAttribute" and "sortKeyValue" together');
  const [, region, encodedTable = ""] = /^dynamodb:\/\/([a-z0-9-]+)\/([^/@#]+)$/i.exec(address) ?? [];
  const table = decode(encodedTable);
  if (region === undefined || table === undefined) {
    throw invalid(
      "a DynamoDB URL has the form dynamodb://REGION/TABLE, without user, password or port: credentials come from the AWS SDK's default sources",
    );
  }
  const sortKey =
    sortKeyAttribute === undefined || sortKeyValue === undefined
      ? undefined
      : { attribute: sortKeyAttribute, value: sortKeyValue };
  return { region, table, ...named, sortKey };
}

type Parameters = { [Name in (typeof parameterNames)[number]]?: string };

function parametersOf(query: string): Parameters {
  const found: Parameters = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const known = parameterNames.find((one) => one === name);
    if (known === undefined) {
      const names = parameterNames.map((one) => `"${one}"`).join(", ");
      throw invalid(`unknown URL parameter ${JSON.stringify(name)}: use ${names}`);
    }
    if (value === "" || found[known] !== undefined)
      throw invalid(`pass the URL parameter "${name}" once, and with a value`);
    found[known] = value;
  }
  return found;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function invalid(message: string): StoreError {
  return new StoreError("invalid-argument", `dynamodbStore: ${message}`);
}
