import { redisStore } from "@manykv/redis";

const store = redisStore({ url: process.argv[2] ?? "redis://localhost:6379" });
const bucket = await store.open("sessions");
await bucket.setMany(new Map([["4711", Buffer.from("signed in")]]));
const found = await bucket.getMany(["4711", "4712"]); // one MGET command
console.log(found.map((record) => record?.[0])); // [ "4711", undefined ]
await bucket.deleteMany(["4711"]);
await store.close();
