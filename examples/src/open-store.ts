import { openStore, portableLimits, StoreError } from "manykv";

const store = await openStore(process.argv[2] ?? "memory:", { limits: portableLimits, timeout: 5_000 });
try {
  await store.provision();
  const bucket = await store.open("orders");
  await bucket.set("2024-0001", Buffer.from("three apples"));
  for await (const key of bucket.keys()) console.log(key);
  await bucket.delete("2024-0001");
} catch (error) {
  if (StoreError.is(error)) console.error(error.code, error.message); // the message contains no password
  throw error;
} finally {
  await store.close();
}
