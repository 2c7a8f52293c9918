import { postgresStore } from "@manykv/postgres";

const store = postgresStore({ url: process.argv[2] ?? "postgres://localhost/shop", table: "manykv_example" });
await store.provision(); // creates the table if it is missing
const bucket = await store.open("sessions");
await bucket.setMany(new Map([["4711", Buffer.from("signed in")]]));
const found = await bucket.getMany(["4711", "4712"]); // one statement
console.log(found.map((record) => record?.[0])); // [ "4711", undefined ]
await bucket.deleteMany(["4711"]);
await store.close();
