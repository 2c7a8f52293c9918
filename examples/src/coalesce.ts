import { coalesce } from "@manykv/core";
import { memoryStore } from "@manykv/memory";

const store = memoryStore();
const users = coalesce(await store.open("users"));
await Promise.all(["ada", "bob"].map((name) => users.set(name, Buffer.from(`user ${name}`))));
const found = await Promise.all(["ada", "eve", "bob"].map((name) => users.get(name)));
for (const user of found) console.log(user && Buffer.from(user).toString());
await store.close();
