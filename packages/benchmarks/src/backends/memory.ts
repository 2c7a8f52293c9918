import { memoryStore } from "@manykv/memory";
import { manykv } from "../contenders/manykv.js";
import { plainMap } from "../contenders/map.js";
import { ContenderSet } from "../measure/contender.js";
import type { Backend } from "./backend.js";

export const memory: Backend = {
  name: "memory",
  title: "memory",
  keysPerSample: 5_000,
  mostVolumeKeys: 1_000_000,
  start: async () => ({
    server: "this process",
    contenders: async () => ContenderSet.open([manykv(memoryStore()), plainMap()]),
    storeAddress: () => ({ backend: "memory", url: "memory:" }),
    [Symbol.asyncDispose]: async () => {},
  }),
  openStore: (_address, timeout) => memoryStore({ timeout }),
};
