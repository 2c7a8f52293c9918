import type { DriverRequest } from "@manykv/core";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect, test } from "vitest";
import { type ClusterAccess, Topology } from "../src/cluster/topology.js";
import { OwnNode } from "../src/connection/own-node.js";
import { encodeCommand } from "../src/protocol/encode-command.js";
import { addressesOf } from "./support/addresses.js";
import { TcpProxy } from "./support/tcp-proxy.js";

const access: ClusterAccess = {
  seeds: async () => addressesOf(serviceUrl("redis-cluster")),
  open: (address) => new OwnNode({ ...address }, 3_000, () => {}),
  translate: (address) => address,
};

function request(time: number): DriverRequest {
  return { signal: AbortSignal.timeout(time), deadline: performance.now() + time };
}

test("a node that the cluster has no more is not closed under those who wait for it", async () => {
  const topology = new Topology(access);
  const [server] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];
  await using proxy = await TcpProxy.start(server);
  const stranger = topology.nodeAt({ host: "127.0.0.1", port: proxy.port });
  const silent = await stranger.connection(request(10_000));
  proxy.last.hold("answer");
  proxy.holdsNew = "request";
  await silent.send(request(50), "ping", encodeCommand("PING"), 1);
  expect(silent.inquiry).toBeDefined();
  const waiting = stranger.connection(request(20_000));
  await topology.freshSlots(request(10_000));
  proxy.holdsNew = undefined;
  proxy.last.release("request");
  const connection = await waiting;
  expect(connection.usable).toBe(true);
  expect(connection).not.toBe(silent);
  // Nobody waits for it any more.
  await topology.freshSlots(request(10_000));
  expect(connection.usable).toBe(false);
  topology.close();
});

test("a node that was closed is no reason to give up", async () => {
  const node = access.open({ host: "127.0.0.1", port: 1 });
  node.close();
  const fault = { code: "unavailable", retryable: true, effect: "none" };
  await expect(node.connection(request(10_000))).rejects.toMatchObject({ fault });
});

test("a search that is under way when the store is closed opens no node any more", async () => {
  let opened = 0;
  const topology = new Topology({
    ...access,
    open: (address) => {
      opened++;
      return access.open(address);
    },
  });
  // Now it knows masters and replicas, and has opened few of them.
  await topology.slots(request(10_000));
  const before = opened;
  const search = topology.freshSlots(request(10_000));
  topology.close();
  await expect(search).rejects.toThrow();
  expect(opened).toBe(before);
});
