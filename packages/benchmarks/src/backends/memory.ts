import { memoryStore } from "@manykv/memory";
import { manykv } from "../contenders/manykv.js";
import { plainMap } from "../contenders/memory/map.js";
import type { Backend } from "./backend.js";
import { field } from "./field.js";

export const memory: Backend = {
  name: "memory",
  mostKeys: 100_000,
  mostVolumeKeys: 1_000_000,
  open: async () => ({
    server: "this process",
    course: { keysPerSample: 2_000 },
    batch: async () => field([await manykv(memoryStore()), plainMap()]),
    volume: async () => ({ backend: "memory", url: "memory:" }),
    [Symbol.asyncDispose]: async () => {},
  }),
  openStore: (_place, timeout) => memoryStore({ timeout }),
};
