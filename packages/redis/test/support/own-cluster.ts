import type { Store } from "@manykv/core";
import { type DedicatedRedisCluster, startDedicatedRedisCluster } from "@manykv/test-services";
import { afterAll, beforeAll } from "vitest";
import { redisStore } from "../../src/index.js";
import { ClusterAdmin } from "./cluster-admin.js";

/** A cluster that tests may break, with a `ClusterAdmin` and a store. The fields are set before the tests start. */
export interface OwnCluster {
  cluster: DedicatedRedisCluster;
  admin: ClusterAdmin;
  store: Store;
}

/** Starts a cluster before the tests of the calling file or group, and stops it after them. */
export function ownCluster(): OwnCluster {
  const own: Partial<OwnCluster> = {};
  beforeAll(async () => {
    own.cluster = await startDedicatedRedisCluster({ durable: true, nodeTimeout: 1_000 });
    own.admin = await ClusterAdmin.connect(own.cluster.nodes);
    own.store = redisStore({ url: own.cluster.url });
  });
  afterAll(async () => {
    await own.store?.close();
    await own.admin?.[Symbol.asyncDispose]();
    await own.cluster?.stop();
  });
  return own as OwnCluster;
}
