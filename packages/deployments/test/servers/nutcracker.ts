import { freePort } from "@manykv/test-services/process";
import { type Program, startProgram } from "../support/start-program.js";

/** Starts twemproxy, whose program is `nutcracker`, in front of Redis servers that share the keys. */
export async function startNutcracker(
  servers: readonly { readonly host: string; readonly port: number }[],
): Promise<Program> {
  const statistics = await freePort();
  return startProgram({
    command: "nutcracker",
    args: (file) => ["-c", file, "-s", `${statistics}`, "-a", "127.0.0.1", "-m", "65536"],
    configuration: (port) =>
      [
        ...["pool:", `  listen: 127.0.0.1:${port}`, "  redis: true", "  hash: fnv1a_64", "  distribution: ketama"],
        ...["  auto_eject_hosts: false", "  timeout: 10000", "  servers:"],
        ...servers.map(({ host, port: server }) => `   - ${host}:${server}:1`),
        "",
      ].join("\n"),
  });
}
