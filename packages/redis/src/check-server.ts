import { FaultError } from "@manykv/core/driver";
import type { Identity } from "./connection/identity.js";
import { clusterNode } from "./connection/log-in.js";

/** Throws a {@link FaultError} if the server reports that it is a cluster node or a sentinel, or that it is a replica. */
export function checkMaster(identity: Identity): void {
  checkMode(identity);
  // A replica may return stale data. A retry may succeed, because a failover can make the replica the master.
  if (identity.role === "replica")
    throw new FaultError({ code: "unavailable", retryable: true, effect: "none", reason: "READONLY" });
}

/** Throws a {@link FaultError} if the server reports that it is a cluster node or a sentinel. */
export function checkMode({ mode }: Identity): void {
  if (mode === "cluster") throw new FaultError(clusterNode);
  if (mode === "sentinel")
    throw new FaultError({
      code: "unavailable",
      retryable: false,
      effect: "none",
      reason: "sentinel: use redis+sentinel://",
    });
}
