import { requirePrograms } from "@manykv/test-services/required-programs";

/** Vitest calls this function before the first test. */
export default function requireDeployments(): Promise<void> {
  return requirePrograms("deployments", {
    fish: "fish",
    haproxy: "haproxy",
    nutcracker: "nutcracker",
    openssl: "openssl",
    pgbouncer: "pgbouncer",
    "redis-sentinel": "redis-sentinel",
    stunnel4: "stunnel4",
    zsh: "zsh",
  });
}
