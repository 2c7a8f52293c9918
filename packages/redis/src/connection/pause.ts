import { clearTimer, setTimer, type Timer } from "@manykv/core/driver";
import type { Lifetime } from "./lifetime.js";

/** Waits, at most until the owner ends. Leaves no timer behind, and does not keep the process alive. */
export async function pause(owner: Lifetime, milliseconds: number): Promise<void> {
  let timer: Timer | undefined;
  let stopListening = (): unknown => undefined;
  await new Promise<void>((resolve) => {
    timer = setTimer(resolve, milliseconds).unref();
    stopListening = owner.onEnd(resolve);
  });
  clearTimer(timer);
  stopListening();
}
