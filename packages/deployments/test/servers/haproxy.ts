import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Program, startProgram } from "../support/start-program.js";

/** HAProxy with one frontend. */
export interface Haproxy extends Program {
  /** Sends a command to the admin socket, such as `shutdown sessions server pool/s0`. Returns the response. */
  admin(command: string): Promise<string>;
}

/** Starts HAProxy. The servers are named `s0`, `s1` and so on. The first one that is up serves every client. */
export async function startHaproxy(
  servers: readonly { readonly host: string; readonly port: number }[],
): Promise<Haproxy> {
  let socket = "";
  const program = await startProgram({
    command: "haproxy",
    args: (file) => ["-db", "-f", file],
    configuration: (port, folder) => {
      socket = join(folder, "admin.sock");
      return [
        ...["global", `  stats socket ${socket} mode 600 level admin`],
        ...["defaults", "  mode tcp", "  timeout connect 2s", "  timeout client 10m", "  timeout server 10m"],
        ...["frontend clients", `  bind 127.0.0.1:${port}`, "  default_backend pool"],
        "backend pool",
        ...servers.map(
          ({ host, port: server }, index) =>
            `  server s${index} ${host}:${server} check inter 200ms fall 2 rise 1 on-marked-down shutdown-sessions` +
            (index > 0 ? " backup" : ""),
        ),
        "",
      ].join("\n");
    },
  });
  const admin = (command: string): Promise<string> => {
    const client = connect(socket);
    client.write(`${command}\n`);
    return text(client);
  };
  return { ...program, admin };
}
