import type { BackendModule } from "manykv";
import { mariadbStore } from "./mariadb-backend.js";

/** Opens `mariadb:` URLs for manykv's `openStore` and for the command. */
export const openStore: BackendModule["openStore"] = (url, options) => mariadbStore({ ...options, url });
