import { readdirSync } from "node:fs";
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
import {
  clusterClient,
  createTable,
  dynamodbClient,
  hasItem,
  putItem,
  redisClient,
  sql,
} from "./support/clients.js";
import { setEnvironment } from "./support/environment.js";
import { temporaryFolder } from "./support/temporary-folder.js";

/** Data of everything that is started from here on goes to a folder that can be looked into. */
function watchedFolder(): string {
  const folder = temporaryFolder();
  setEnvironment({ TMPDIR: folder });
  return folder;
}

async function listens({ host, port }: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function expectGoneAfterStop(service: Service, folder: string): Promise<void> {
  expect(await listens(service)).toBe(true);
  expect(readdirSync(folder)).toHaveLength(1);
  await service.stop();
  expect(await listens(service)).toBe(false);
  expect(readdirSync(folder)).toEqual([]);
  // Stopping what is stopped is no error.
  await service.stop();
}

const lines: string[] = [];
const local = { source: "process", print: (line: string) => void lines.push(line) } as const;

describe("redis", () => {
  test("answers, says what it is, and is gone after stop", async () => {
    const folder = watchedFolder();
    const service = await startDedicatedRedis(local);
    expect(lines).toContain(`redis: ${service.description}`);
    expect(service.description).toMatch(/^local process redis-server [\d.]+ at 127\.0\.0\.1:\d+$/);
    expect(await redisClient(service.url).ping()).toBe("PONG");
    await expectGoneAfterStop(service, folder);
  });

  test("takes arguments and a password, which is part of the address", async () => {
    await using service = await startDedicatedRedis({
      ...local,
      args: ["--maxmemory", "50mb"],
      password: "p@ss word",
    });
    expect(await redisClient(service.url).config("GET", "maxmemory")).toEqual([
      "maxmemory",
      `${50 * 1024 ** 2}`,
    ]);
    await expect(redisClient(`redis://${service.host}:${service.port}`).get("key")).rejects.toThrow("NOAUTH");
  });

  test("keeps acknowledged writes through a kill when durable, at the same address", async () => {
    await using service = await startDedicatedRedis({ ...local, durable: true });
    await redisClient(service.url).set("key", "value");
    await service.kill();
    expect(await listens(service)).toBe(false);
    await service.restart();
    expect(await redisClient(service.url).get("key")).toBe("value");
  });
});

describe("postgres", () => {
  test("answers, says what it is, and is gone after stop", async () => {
    const folder = watchedFolder();
    const service = await startDedicatedPostgres(local);
    expect(lines).toContain(`postgres: ${service.description}`);
    expect(service.description).toMatch(/^local process postgres [\d.]+ at 127\.0\.0\.1:\d+$/);
    expect(await sql(service.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await expectGoneAfterStop(service, folder);
  });

  test("refuses a wrong password", async () => {
    await using service = await startDedicatedPostgres(local);
    const wrong = new URL(service.url);
    wrong.password = "wrong";
    await expect(sql(wrong.href, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  });

  test("takes settings, and keeps committed rows through a kill", async () => {
    await using service = await startDedicatedPostgres({ ...local, settings: { statement_timeout: "5s" } });
    expect(await sql(service.url, "SHOW statement_timeout")).toEqual([{ statement_timeout: "5s" }]);
    await sql(service.url, "CREATE TABLE kept AS SELECT 7 AS n");
    await service.kill();
    expect(await listens(service)).toBe(false);
    await service.restart();
    expect(await sql(service.url, "SELECT n FROM kept")).toEqual([{ n: 7 }]);
  });

  test("a kill ends a statement that is running, at once and for good", async () => {
    await using service = await startDedicatedPostgres(local);
    await sql(service.url, "CREATE TABLE late (n int)");
    const running = sql(service.url, "INSERT INTO late SELECT 1 FROM pg_sleep(2)");
    const outcome = expect(running).rejects.toThrow();
    await expect
      .poll(() => sql(service.url, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
      .toHaveLength(1);
    await service.kill();
    await outcome;
    await service.restart();
    expect(await sql(service.url, "SELECT * FROM late")).toEqual([]);
  });
});

describe("dynamodb", () => {
  test("answers, says what it is, and is gone after stop", async () => {
    const folder = watchedFolder();
    const service = await startDedicatedDynamodb(local);
    expect(lines).toContain(`dynamodb: ${service.description}`);
    expect(service.description).toMatch(/^local process dynalite [\d.]+ at 127\.0\.0\.1:\d+$/);
    const client = dynamodbClient(service);
    const table = randomName();
    // At once, with no wait for the table.
    await createTable(client, table);
    await putItem(client, table, "here");
    expect(await hasItem(client, table, "here")).toBe(true);
    expect(await hasItem(client, table, "not here")).toBe(false);
    await expectGoneAfterStop(service, folder);
  });

  test("keeps items through a kill when durable", async () => {
    await using service = await startDedicatedDynamodb({ ...local, durable: true });
    const client = dynamodbClient(service);
    const table = randomName();
    await createTable(client, table);
    await putItem(client, table, "kept");
    await service.kill();
    expect(await listens(service)).toBe(false);
    await service.restart();
    expect(await hasItem(client, table, "kept")).toBe(true);
  });

  test("goes on serving when a client breaks its connection in the middle of a request", async () => {
    await using service = await startDedicatedDynamodb(local);
    const socket = connect(service.port, service.host);
    await new Promise((resolve) => socket.once("connect", resolve));
    await new Promise((resolve) =>
      socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", resolve),
    );
    socket.resetAndDestroy();
    const client = dynamodbClient(service);
    await createTable(client, "after");
    expect(await hasItem(client, "after", "nothing")).toBe(false);
  });
});

describe("redis-cluster", () => {
  test("answers, says what it is, and is gone after stop", async () => {
    const folder = watchedFolder();
    const service = await startDedicatedRedisCluster(local);
    expect(lines).toContain(`redis-cluster: ${service.description}`);
    const client = clusterClient(service.url);
    await Promise.all(Array.from({ length: 100 }, (_, n) => client.set(`key ${n}`, `${n}`)));
    expect(await client.get("key 99")).toBe("99");
    client.disconnect();
    await expectGoneAfterStop(service, folder);
    for (const node of service.nodes) expect(await listens(node)).toBe(false);
  });
});
