import { openStore } from "manykv";

const store = await openStore(process.argv[2] ?? "memory:");
await store.provision(); // creates the table, if the backend needs one
const bucket = await store.open("fruit");
const names = ["apple", "kiwi", "plum"];
await bucket.setMany(names.map((name) => [name, Buffer.from(`one ${name}`)]));
const found = await bucket.getMany(["plum", "pear", "apple"]); // in the order of the keys; undefined if missing
for (const record of found) console.log(record?.[0], record && Buffer.from(record[1]).toString());
await bucket.deleteMany(names);
await store.close();
