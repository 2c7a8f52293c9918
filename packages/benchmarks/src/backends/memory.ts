import { memoryStore } from "@manykv/memory";
import { manykv } from "../contenders/manykv.js";
import { plainMap } from "../contenders/memory/map.js";
import type { Backend } from "./backend.js";
import { field } from "./field.js";

export const memory: Backend = {
  name: "memory",
  mostKeys: 100_000,
  open: async () => ({
    server: "this process",
    course: { keysPerSample: 2_000 },
    batch: async () => field([await manykv(memoryStore()), plainMap()]),
    [Symbol.asyncDispose]: async () => {},
  }),
};
