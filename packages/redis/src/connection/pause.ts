import type { Lifetime } from "./lifetime.js";

/** Waits, at most until the owner ends. Leaves no timer behind, and does not keep the process alive. */
export async function pause(owner: Lifetime, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let stopListening = (): unknown => undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds).unref();
    stopListening = owner.onEnd(resolve);
  });
  clearTimeout(timer);
  stopListening();
}
