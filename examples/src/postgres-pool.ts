import { postgresStore } from "@manykv/postgres";
import { Pool } from "pg";

const pool = new Pool({ connectionString: process.argv[2] ?? "postgres://localhost/shop", max: 10 });
const store = postgresStore({ pool, table: "manykv_example" });
await store.provision();
const bucket = await store.open("sessions");
console.log(await bucket.exists("4711"));
await store.close(); // leaves the pool open
await pool.end();
