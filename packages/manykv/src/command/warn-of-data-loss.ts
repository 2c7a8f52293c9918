import type { Store } from "@manykv/core";
import { printMessage } from "./terminal.js";

/** Prints a warning before many records are written to a server that may lose them, such as a Redis that evicts keys. */
export async function warnOfDataLoss(
  store: Pick<Store, "describe">,
  { timeout, where = "", signal }: { readonly timeout: number; readonly where?: string; readonly signal: AbortSignal },
): Promise<void> {
  try {
    const { findings } = await store.describe({ timeout: Math.min(timeout, mostMilliseconds), signal });
    for (const { severity, message } of findings) {
      if (severity === "data-loss") printMessage(`warning: ${where}${message}`);
    }
  } catch {
    // If the server cannot be reached, the first write reports why.
  }
}

const mostMilliseconds = 5000;
