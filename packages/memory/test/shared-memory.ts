import type { Driver } from "@manykv/core/driver";
import { memoryDriver } from "../src/index.js";

/** Returns a function that creates drivers over the same data. Closing one driver does not affect the others. */
export function sharedMemory(): () => Driver {
  const memory = memoryDriver();
  const methods = { close: async (): Promise<void> => {} };
  return () =>
    new Proxy(memory, {
      get(target, name) {
        if (name in methods) return methods[name as keyof typeof methods];
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
}
