import { redisStore } from "@manykv/redis";
import { Redis } from "ioredis";

const client = new Redis(process.argv[2] ?? "redis://localhost:6379");
const store = redisStore({ client });
const bucket = await store.open("sessions");
console.log(await bucket.exists("4711"));
await store.close(); // leaves the client open
await client.quit();
