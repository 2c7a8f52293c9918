import { dynamodbStore } from "@manykv/dynamodb";

const endpoint = process.argv[2]; // endpoint of an emulator, or undefined for AWS
const store = dynamodbStore({ table: "manykv-example", region: "eu-central-1", endpoint });
await store.provision(); // creates the table if it is missing, and waits until it is ready
const bucket = await store.open("sessions");
await bucket.setMany(new Map([["4711", Buffer.from("signed in")]]));
const found = await bucket.getMany(["4711", "4712"]); // one BatchGetItem request, strongly consistent
console.log(found.map((record) => record?.[0])); // [ "4711", undefined ]
await bucket.deleteMany(["4711"]);
await store.close();
