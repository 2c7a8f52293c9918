import { json, openStore, StoreError, typed } from "manykv";

const store = await openStore(process.argv[2] ?? "memory:");
await store.provision();
// #region use
const sessions = typed(await store.open("sessions"), json<{ user: string; visits: number }>());
const hits = await store.open("hits");

await sessions.set("web/1", { user: "ada", visits: 1 }, { ttl: 30 * 60_000 }); // expires after 30 minutes
try {
  await sessions.set("web/1", { user: "bob", visits: 1 }, { ifAbsent: true });
} catch (error) {
  if (!StoreError.is(error) || error.code !== "precondition-failed") throw error;
  console.log("the session exists");
}
const expected = await sessions.get("web/1");
if (expected !== undefined) {
  const result = await sessions.compareAndSwap("web/1", { expected, value: { ...expected, visits: 2 } });
  console.log(result.swapped); // false if another client has changed the session since the get
}
console.log(await hits.increment("home", 1, { ttl: 60_000 })); // 1n, and the counter expires after a minute
for await (const key of sessions.keys({ prefix: "web/" })) console.log(key);
await sessions.clear({ prefix: "web/" });
// #endregion use
await hits.clear();
await store.close();
