import { TcpProxy } from "@manykv/conformance/faults";
import { createRequest, type DriverRequest } from "@manykv/core/driver";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect, test } from "vitest";
import type { ClusterAccess } from "../src/cluster/cluster-access.js";
import { Topology } from "../src/cluster/topology.js";
import { NodeConnection } from "../src/connection/node-connection.js";
import { createClient } from "../src/connection/open-socket.js";
import { encodeCommand } from "../src/protocol/encode-command.js";
import { addressesOf } from "./support/addresses.js";

const access: ClusterAccess = {
  seeds: async () => addressesOf(serviceUrl("redis-cluster")),
  open: (address) =>
    new NodeConnection({
      source: { createClient: () => createClient({ ...address }), database: 0 },
      connectTimeout: 3_000,
      check: () => {},
    }),
  translate: (address) => address,
};

function request(time: number): DriverRequest {
  return createRequest({ bucket: "", signal: AbortSignal.timeout(time), deadline: performance.now() + time });
}

test("a node that left the cluster is closed only when no request waits for it", async () => {
  const topology = new Topology(access);
  const [server] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];
  await using proxy = await TcpProxy.start(server);
  const stranger = topology.nodeAt({ host: "127.0.0.1", port: proxy.port });
  const silent = await stranger.connect(request(10_000));
  proxy.last.hold("answer");
  proxy.onConnection = (connection) => connection.hold("request");
  await silent.send(request(50), encodeCommand("PING"), 1);
  expect(silent.probing).toBeDefined();
  const waiting = stranger.connect(request(20_000));
  await topology.freshSlots(request(10_000));
  proxy.onConnection = () => {};
  proxy.last.release("request");
  const connection = await waiting;
  expect(connection.usable).toBe(true);
  expect(connection).not.toBe(silent);
  // At this point, no request waits for the node.
  await topology.freshSlots(request(10_000));
  expect(connection.usable).toBe(false);
  await topology.close();
});

test("a request that uses a closed node is retryable", async () => {
  const node = access.open({ host: "127.0.0.1", port: 1 });
  node.close();
  const fault = { code: "unavailable", retryable: true, effect: "none" };
  await expect(node.connect(request(10_000))).rejects.toMatchObject({ fault });
});

test("a search that is running when the store closes opens no more connections", async () => {
  let opened = 0;
  const topology = new Topology({
    ...access,
    open: (address) => {
      opened++;
      return access.open(address);
    },
  });
  // The topology then knows all masters and replicas, but has opened connections to only a few.
  await topology.slots(request(10_000));
  const search = topology.freshSlots(request(10_000));
  await topology.close();
  const before = opened;
  await expect(search).rejects.toThrow();
  expect(opened).toBe(before);
});
