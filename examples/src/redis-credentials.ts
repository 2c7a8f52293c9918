import { readFile } from "node:fs/promises";
import { redisStore } from "@manykv/redis";

const [url = "redis://localhost:6379", tokenFile = "/run/secrets/redis-token"] = process.argv.slice(2);
const store = redisStore({
  url,
  // For each connection, reads the token that another program renews.
  credentials: async () => ({ username: "default", password: await readFile(tokenFile, "utf8") }),
});
const bucket = await store.open("sessions");
console.log(await bucket.exists("4711"));
await store.close();
