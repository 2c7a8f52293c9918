import { connect } from "node:net";
import {
  randomName,
  type Service,
  startDedicatedDynamodb,
  startDedicatedPostgres,
  startDedicatedRedis,
  startDedicatedRedisCluster,
} from "@manykv/test-services";
import { describe, expect, test } from "vitest";
import { dockerEngineResponds } from "../src/container/docker-engine.js";
import { clusterClient, createTable, dynamodbClient, hasItem, putItem, redisClient, sql } from "./support/clients.js";
import { listens, traces } from "./support/traces.js";

const engine = await dockerEngineResponds();
if (!engine) console.log("no Docker engine responds, so these tests use only local processes");
const sources = engine ? (["process", "container"] as const) : (["process"] as const);

/** Checks that `stop()` releases the port, removes the folder or the container, and can be called more than once. */
async function expectGoneAfterStop(service: Service, seen: ReturnType<typeof traces>): Promise<void> {
  expect(await listens(service)).toBe(true);
  expect([...seen.folders(), ...(await seen.containers(service))]).toHaveLength(1);
  await service.stop();
  expect(await listens(service)).toBe(false);
  expect([...seen.folders(), ...(await seen.containers(service))]).toEqual([]);
  await service.stop();
}

describe.each(sources)("a server from a %s", (source) => {
  const lines: string[] = [];
  const options = { source, print: (line: string) => void lines.push(line) };

  describe("redis", () => {
    test("responds, describes itself, and leaves nothing behind after stop()", async () => {
      const seen = traces();
      const service = await startDedicatedRedis(options);
      expect(lines.at(-1)).toBe(`redis: ${service.description}`);
      expect(service.description).toMatch(/^(local process redis-server [\d.]+|container redis:[\d.]+) at [\w.]+:\d+$/);
      expect(service.source).toBe(source);
      expect(await redisClient(service.url).ping()).toBe("PONG");
      await expectGoneAfterStop(service, seen);
    });

    test("accepts arguments and a password, and `url` contains the password", async () => {
      await using service = await startDedicatedRedis({
        ...options,
        args: ["--maxmemory", "50mb"],
        password: "p@ss word",
      });
      const limit = await redisClient(service.url).config("GET", "maxmemory");
      expect(limit).toEqual(["maxmemory", `${50 * 1024 ** 2}`]);
      const stranger = redisClient(`redis://${service.host}:${service.port}`);
      await expect(stranger.get("key")).rejects.toThrow("NOAUTH");
    });

    test("with `durable`, acknowledged writes survive a kill, and the address stays the same", async () => {
      await using service = await startDedicatedRedis({ ...options, durable: true });
      await redisClient(service.url).set("key", "value");
      await service.kill();
      expect(await listens(service)).toBe(false);
      await service.restart();
      expect(await redisClient(service.url).get("key")).toBe("value");
    });
  });

  describe("postgres", () => {
    test("responds, describes itself, and leaves nothing behind after stop()", async () => {
      const seen = traces();
      const service = await startDedicatedPostgres(options);
      expect(lines.at(-1)).toBe(`postgres: ${service.description}`);
      expect(service.description).toMatch(/^(local process postgres [\d.]+|container postgres:[\d.]+) at [\w.]+:\d+$/);
      expect(await sql(service.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
      await expectGoneAfterStop(service, seen);
    });

    test("rejects a wrong password", async () => {
      await using service = await startDedicatedPostgres(options);
      const wrong = new URL(service.url);
      wrong.password = "wrong";
      await expect(sql(wrong.href, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
    });

    test("accepts settings, and committed rows survive a kill", async () => {
      await using service = await startDedicatedPostgres({
        ...options,
        settings: { statement_timeout: "5s" },
      });
      expect(await sql(service.url, "SHOW statement_timeout")).toEqual([{ statement_timeout: "5s" }]);
      await sql(service.url, "CREATE TABLE kept AS SELECT 7 AS n");
      await service.kill();
      expect(await listens(service)).toBe(false);
      await service.restart();
      expect(await sql(service.url, "SELECT n FROM kept")).toEqual([{ n: 7 }]);
    });

    test("a kill ends a running statement, and the statement is never applied", async () => {
      await using service = await startDedicatedPostgres(options);
      await sql(service.url, "CREATE TABLE late (n int)");
      const running = sql(service.url, "INSERT INTO late SELECT 1 FROM pg_sleep(2)");
      const outcome = expect(running).rejects.toThrow();
      const sleeping = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
      await expect.poll(() => sql(service.url, sleeping)).toHaveLength(1);
      await service.kill();
      await outcome;
      await service.restart();
      expect(await sql(service.url, "SELECT * FROM late")).toEqual([]);
    });
  });

  describe("dynamodb", () => {
    test("responds, describes itself, and leaves nothing behind after stop()", async () => {
      const seen = traces();
      const service = await startDedicatedDynamodb(options);
      expect(lines.at(-1)).toBe(`dynamodb: ${service.description}`);
      expect(service.description).toMatch(
        /^(local process dynalite [\d.]+|container amazon\/dynamodb-local:[\d.]+) at [\w.]+:\d+$/,
      );
      const client = dynamodbClient(service);
      const table = randomName();
      await createTable(client, table);
      await putItem(client, table, "here");
      expect(await hasItem(client, table, "here")).toBe(true);
      expect(await hasItem(client, table, "not here")).toBe(false);
      await expectGoneAfterStop(service, seen);
    });

    test("with `durable`, items survive a kill", async () => {
      await using service = await startDedicatedDynamodb({ ...options, durable: true });
      const client = dynamodbClient(service);
      const table = randomName();
      await createTable(client, table);
      await putItem(client, table, "kept");
      await service.kill();
      expect(await listens(service)).toBe(false);
      await service.restart();
      expect(await hasItem(client, table, "kept")).toBe(true);
    });

    test("keeps serving after a client breaks its connection in the middle of a request", async () => {
      await using service = await startDedicatedDynamodb(options);
      const socket = connect(service.port, service.host);
      const half = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
      await new Promise((resolve) => socket.once("connect", () => socket.write(half, resolve)));
      socket.resetAndDestroy();
      const client = dynamodbClient(service);
      await createTable(client, "after");
      expect(await hasItem(client, "after", "nothing")).toBe(false);
    });
  });

  describe("redis-cluster", () => {
    test("responds, describes itself, and leaves nothing behind after stop()", async () => {
      const seen = traces();
      const service = await startDedicatedRedisCluster(options);
      expect(lines.at(-1)).toBe(`redis-cluster: ${service.description}`);
      const client = clusterClient(service.url);
      await Promise.all(Array.from({ length: 100 }, (_, n) => client.set(`key ${n}`, `${n}`)));
      expect(await client.get("key 99")).toBe("99");
      client.disconnect();
      await expectGoneAfterStop(service, seen);
      for (const node of service.nodes) expect(await listens(node)).toBe(false);
    });
  });
});
