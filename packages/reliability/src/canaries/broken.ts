import type { Driver } from "@manykv/core";
import type { Link } from "../network/link.js";
import { type LinkFaultKind, linkFaultKinds } from "../network/link-fault.js";
import type { Provocation } from "./provocation.js";

/** Nobody listens here: the port is reserved. https://www.iana.org/assignments/service-names-port-numbers */
export const unreachable: { readonly host: string; readonly port: number } = { host: "127.0.0.1", port: 1 };

/** Every fault of the network, on all connections, in both directions. */
export function brokenBy(link: Link, driver: () => Driver): Provocation[] {
  return linkFaultKinds.flatMap((kind: LinkFaultKind) =>
    (["request", "answer"] as const).map((direction) => ({
      name: `${kind} of the ${direction}`,
      driver,
      before: async () => {
        link.arm({ kind, direction, after: 3, scope: "link", milliseconds: Number.POSITIVE_INFINITY });
      },
      after: async () => link.heal(),
    })),
  );
}
