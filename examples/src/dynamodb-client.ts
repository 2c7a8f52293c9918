import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dynamodbStore } from "@manykv/dynamodb";

const endpoint = process.argv[2]; // endpoint of an emulator, or undefined for AWS
const client = new DynamoDBClient({ region: "eu-central-1", ...(endpoint !== undefined && { endpoint }) });
const store = dynamodbStore({ client, table: "manykv-example" });
await store.provision();
const bucket = await store.open("sessions");
console.log(await bucket.exists("4711"));
await store.close(); // leaves the client open
client.destroy();
