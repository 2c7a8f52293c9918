import { memoryStore } from "@manykv/memory";

const store = memoryStore();
const bucket = await store.open("sessions");
await bucket.set("4711", Buffer.from("signed in"));
console.log(await bucket.exists("4711")); // true
await store.close(); // discards the data
