import { type Program, startProgram } from "../support/start-program.js";
import type { Certificates } from "./certificates.js";

/** Starts stunnel, which accepts TLS connections and passes them on to a server without TLS. */
export function startStunnel(
  server: { readonly host: string; readonly port: number },
  certificates: Certificates,
): Promise<Program> {
  return startProgram({
    command: "stunnel4",
    args: (file) => [file],
    configuration: (port, folder) =>
      [
        ...["foreground = yes", `pid = ${folder}/stunnel.pid`, "syslog = no"],
        ...["[server]", `accept = 127.0.0.1:${port}`, `connect = ${server.host}:${server.port}`],
        ...[`cert = ${certificates.server.certificate}`, `key = ${certificates.server.key}`],
        "",
      ].join("\n"),
  });
}
