import { byteTrueFaultKinds, type TcpProxy } from "@manykv/conformance/faults";
import type { Driver } from "@manykv/core/driver";
import type { Provocation } from "./provocation.js";

/**
 * An address at which no server listens. Port 1 is assigned to TCPMUX, an obsolete service:
 * https://www.iana.org/assignments/service-names-port-numbers
 */
export const unreachable: { readonly host: string; readonly port: number } = { host: "127.0.0.1", port: 1 };

/**
 * Returns two provocations, one per direction, for each kind of network fault that does not change bytes. Each fault
 * affects all connections.
 */
export function brokenBy(proxy: TcpProxy, driver: () => Driver): Provocation[] {
  return byteTrueFaultKinds.flatMap((kind) =>
    (["request", "answer"] as const).map((direction) => ({
      name: `${kind} of the ${direction}`,
      driver,
      before: async () => {
        proxy.arm({ kind, direction, after: { bytes: 3 }, scope: "all" });
      },
      after: async () => proxy.heal(),
    })),
  );
}
