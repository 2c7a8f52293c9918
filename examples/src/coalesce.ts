import { memoryStore } from "@manykv/memory";

const store = memoryStore();
const users = await store.open("users", { coalesce: true });
await Promise.all(["ada", "bob"].map((name) => users.set(name, Buffer.from(`user ${name}`)))); // one batch
const found = await Promise.all(["ada", "eve", "bob"].map((name) => users.get(name))); // one batch
for (const user of found) console.log(user && Buffer.from(user).toString());
await store.close();
