import type { BackendModule } from "manykv";

export const openStore: BackendModule["openStore"];
