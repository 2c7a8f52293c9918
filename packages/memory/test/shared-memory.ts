import type { Driver } from "@manykv/core";
import { memoryDriver } from "../src/index.js";

/**
 * Clients of one memory, as two processes are clients of one server: each is the same driver, and closing one leaves
 * the data to the others.
 */
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
