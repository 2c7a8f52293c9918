import { redisStore } from "@manykv/redis";
import { Cluster } from "ioredis";

const [host = "localhost", port = "7000"] = process.argv.slice(2);
const client = new Cluster([{ host, port: Number(port) }]);
const store = redisStore({ client });
const bucket = await store.open("sessions");
console.log(await bucket.getMany(["4711", "4712", "4713"])); // one round trip to each master that owns a key
await store.close(); // leaves the client open
await client.quit();
