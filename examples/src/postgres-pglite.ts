import { PGlite } from "@electric-sql/pglite";
import { postgresStore } from "@manykv/postgres";

const pglite = new PGlite(process.argv[2] ?? "./shop-data"); // a folder, or memory://
const store = postgresStore({ pglite, table: "manykv_example" });
await store.provision();
const bucket = await store.open("sessions");
await bucket.set("4711", Buffer.from("signed in"));
console.log(await bucket.exists("4711")); // true
await store.close(); // leaves the database open
await pglite.close();
