import { encodeCommand } from "../protocol/encode-command.js";
import { isCount } from "../replies.js";
import type { Identity } from "./identity.js";
import type { Wire } from "./wire.js";

/**
 * Ends a connection at the server's side. When this resolves, the server runs nothing more that came over it: a killed
 * client's input is thrown away, also what still stands in a proxy on its way.
 * https://redis.io/docs/latest/commands/client-kill/
 *
 * Where the server has no such connection that is just as well: it was closed, or the server is another process since.
 *
 * @throws where the user may not kill clients, or was not told who it is
 */
export async function killClient(guard: Wire, client: Identity["client"]): Promise<void> {
  if (client === undefined) throw new Error("the server did not tell which connection this is");
  const bytes = encodeCommand("CLIENT", "KILL", "ID", client.id, "ADDR", client.address);
  const { replies, ended } = guard.send("client", bytes, 1);
  await ended;
  if (!isCount(replies[0])) throw new Error("the server did not end the connection");
}
