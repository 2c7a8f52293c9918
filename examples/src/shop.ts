import { openStore } from "manykv";
import { serve } from "./shop/server.js";
import { Shop } from "./shop/shop.js";

const store = await openStore(process.argv[2] ?? "memory:");
await store.provision();
const server = serve(await Shop.open(store)).listen(8080, () => console.log("http://localhost:8080"));

process.once("SIGTERM", () => {
  server.close(() => store.close());
});
