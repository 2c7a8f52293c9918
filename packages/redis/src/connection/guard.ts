import { FaultError } from "../fault-error.js";
import { encodeCommand } from "../protocol/encode-command.js";
import type { Wire } from "./wire.js";

const ping = encodeCommand("PING");

/**
 * Waits until the server has answered over a second connection, be it with an error: by then a server that was only slow
 * has answered over the first one, too. An open socket alone says nothing of that.
 *
 * @throws {FaultError} where the connection ends instead
 */
export async function answeringGuard(guard: Wire): Promise<Wire> {
  const ending = await guard.send("ping", ping, 1).ended;
  if (ending === "complete") return guard;
  throw new FaultError({ code: "unavailable", retryable: true, effect: "none", reason: "hung up" });
}
