// Makes a call, closes the store, and must then end by itself. Arguments: state, endpoint. Exits with 1 if it does not
// end.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dynamodbStore } from "../../dist/index.js";

const [state, endpoint] = process.argv.slice(2);
const connection = { region: "us-east-1", endpoint, credentials: { accessKeyId: "a", secretAccessKey: "b" } };
const options = {
  "own client": connection,
  "TLS handshake": { ...connection, endpoint: endpoint.replace("http:", "https:") },
  "credentials function that hangs": { ...connection, credentials: () => new Promise(() => {}) },
  "metadata service that hangs": { region: "us-east-1", endpoint },
  "credential process that hangs": { region: "us-east-1", endpoint },
  "caller's client": { client: new DynamoDBClient(connection) },
};
const store = dynamodbStore({ table: "table", ...options[state] });
const bucket = await store.open("bucket");
await Promise.all([
  bucket.get("key", { timeout: 1_000 }).catch(() => {}),
  bucket.set("key", new Uint8Array(100_000), { timeout: 1_000 }).catch(() => {}),
  bucket.get("key", { signal: AbortSignal.timeout(500) }).catch(() => {}),
]);
await store.close();
setTimeout(() => {
  console.error(`still alive because of ${process.getActiveResourcesInfo()}`);
  process.exit(1);
}, 2_000).unref();
