// Opens stores and drivers for the other programs, from the packed packages.
//
// A target is `{ backend, address, table, ownership }`. With `ownership` "caller", the program passes its own client.
import { createRequire } from "node:module";
import { createStore } from "@manykv/core";
import { dynamodbDriver } from "@manykv/dynamodb";
import { memoryDriver } from "@manykv/memory";
import { postgresDriver } from "@manykv/postgres";
import { redisDriver } from "@manykv/redis";
import { sharing } from "./sharing.cjs";

/** The addresses of a target's servers, for the network cases of the conformance suite. */
export function serversOf({ backend, address }) {
  if (backend === "memory") return undefined;
  if (backend === "redis-cluster") return /([^@/]+)$/.exec(address)[1].split(",").map(parseServer);
  return [parseServer(new URL(address).host)];
}

function parseServer(text) {
  const [host, port] = text.split(":");
  return { host, port: Number(port) };
}

/** The program's own clients come from `require`, as in a CommonJS application, whose modules agents patch most. */
const require = createRequire(import.meta.url);

const direct = (server) => server;
const memory = memoryDriver();

/** Creates a driver that connects to the addresses that `route` returns. */
export async function openDriver(target, route = direct) {
  return target.ownership === "caller" ? callersDriver(target, route) : ownDriver(target, route);
}

function ownDriver({ backend, address, table }, route) {
  switch (backend) {
    case "memory":
      return sharing(memory);
    case "redis":
      return redisDriver({ url: routed(address, route) });
    case "redis-cluster":
      return redisDriver({ url: address });
    case "postgres":
      return postgresDriver({ url: routed(address, route), table });
    case "dynamodb":
      return dynamodbDriver({ endpoint: routed(address, route), region: "us-east-1", table });
  }
}

async function callersDriver({ backend, address, table }, route) {
  if (backend === "redis") {
    const { Redis } = require("ioredis");
    const client = new Redis(routed(address, route), { lazyConnect: true });
    return ending(redisDriver({ client }), () => client.disconnect());
  }
  if (backend === "redis-cluster") {
    const { Cluster } = require("ioredis");
    const nodes = serversOf({ backend, address });
    const natMap = Object.fromEntries(nodes.map((node) => [`${node.host}:${node.port}`, route(node)]));
    const client = new Cluster(nodes.map(route), { lazyConnect: true, natMap });
    client.on("error", () => {});
    await client.connect().catch(() => {});
    return ending(redisDriver({ client }), () => client.disconnect());
  }
  if (backend === "postgres") {
    const pg = require("pg");
    const pool = new pg.Pool({ connectionString: routed(address, route), connectionTimeoutMillis: 3_000 });
    pool.on("error", () => {});
    return ending(postgresDriver({ pool, table }), () => pool.end());
  }
  const { DynamoDBClient } = require("@aws-sdk/client-dynamodb");
  const client = new DynamoDBClient({ endpoint: routed(address, route), region: "us-east-1" });
  return ending(dynamodbDriver({ client, table }), () => client.destroy());
}

export async function openStore(target) {
  return createStore(await openDriver(target));
}

function routed(address, route) {
  const url = new URL(address);
  const { host, port } = route(parseServer(url.host));
  url.host = `${host}:${port}`;
  return url.href;
}

/** Makes `close` of a driver also end the program's client. */
function ending(driver, end) {
  const close = driver.close.bind(driver);
  driver.close = async () => {
    await close();
    await end();
  };
  return driver;
}
