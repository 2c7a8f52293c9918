import { readFileSync } from "node:fs";
import { type ClientRequest, request } from "node:http";
import { request as secureRequest } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";

/** Time limit of a ping, in ms. A working engine responds within a few ms. A slower engine is ignored. */
const timeout = 1_500;

/**
 * Returns whether a Docker engine responds at `DOCKER_HOST` or, if this variable is unset, at one of the sockets that
 * Testcontainers tries. Takes at most 1.5 s.
 */
export async function dockerEngineResponds(): Promise<boolean> {
  // An address that is not a URL, or a missing certificate, makes `ping` throw.
  const responses = await Promise.all(engineAddresses().map((address) => ping(address).catch(() => false)));
  return responses.includes(true);
}

function engineAddresses(): string[] {
  const named = process.env["DOCKER_HOST"];
  if (named) return [named];
  if (process.platform === "win32") return ["npipe:////./pipe/docker_engine"];
  const runtime = process.env["XDG_RUNTIME_DIR"] ?? `/run/user/${process.getuid?.()}`;
  return [
    "/var/run/docker.sock",
    join(runtime, "docker.sock"),
    join(homedir(), ".docker", "run", "docker.sock"),
    join(homedir(), ".docker", "desktop", "docker.sock"),
  ].map((path) => `unix://${path}`);
}

function ping(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = open(address);
    const timer = setTimeout(() => sent.destroy(), timeout);
    sent.once("response", (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    // Node always emits "close", even after destroy(). A second resolve() has no effect.
    sent.once("error", () => resolve(false));
    sent.once("close", () => {
      clearTimeout(timer);
      resolve(false);
    });
    sent.end();
  });
}

/** Creates a ping request for the engine: https://docs.docker.com/reference/api/engine/ */
function open(address: string): ClientRequest {
  const { protocol, hostname, port, pathname } = new URL(address);
  const path = "/_ping";
  if (protocol === "unix:" || protocol === "npipe:") return request({ socketPath: pathname, path });
  if (process.env["DOCKER_TLS_VERIFY"] !== "1") return request({ hostname, port, path });
  const folder = process.env["DOCKER_CERT_PATH"] ?? join(homedir(), ".docker");
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((file) => readFileSync(join(folder, file)));
  return secureRequest({ hostname, port, path, ca, cert, key });
}
