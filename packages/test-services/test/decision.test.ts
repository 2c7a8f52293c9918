import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import {
  type Service,
  startDedicatedDynamodb,
  startDedicatedPostgres,
  startDedicatedRedis,
  startDedicatedRedisCluster,
  startDynamodb,
  startPostgres,
  startRedis,
  startRedisCluster,
} from "@manykv/test-services";
import { describe, expect, onTestFinished, test } from "vitest";
import { setEnvironment } from "./support/environment.js";
import { temporaryFolder } from "./support/temporary-folder.js";

const quiet = { print: () => {} };
const local = { ...quiet, source: "process" } as const;

interface Subject {
  name: string;
  variable: string;
  start(options: { print(line: string): void }): Promise<Service>;
  startDedicated(): Promise<Service>;
  /** An address where nobody listens, with a secret in it where the form has room for one. */
  dead: string;
}

// Port 1 is reserved and served by nobody.
const subjects: Subject[] = [
  {
    name: "redis",
    variable: "MANYKV_REDIS_URL",
    start: startRedis,
    startDedicated: () => startDedicatedRedis({ ...local, password: "s3cret" }),
    dead: "redis://:s3cret@127.0.0.1:1",
  },
  {
    name: "redis-cluster",
    variable: "MANYKV_REDIS_CLUSTER_URL",
    start: startRedisCluster,
    startDedicated: () => startDedicatedRedisCluster(local),
    dead: "redis+cluster://user:s3cret@127.0.0.1:1,127.0.0.1:2",
  },
  {
    name: "postgres",
    variable: "MANYKV_POSTGRES_URL",
    start: startPostgres,
    startDedicated: () => startDedicatedPostgres(local),
    dead: "postgres://user:s3cret@127.0.0.1:1/database",
  },
  {
    name: "dynamodb",
    variable: "MANYKV_DYNAMODB_URL",
    start: startDynamodb,
    startDedicated: () => startDedicatedDynamodb(local),
    dead: "http://user:s3cret@127.0.0.1:1",
  },
];

describe.each(subjects)("$name", ({ name, variable, start, startDedicated, dead }) => {
  test("an address in the environment is used as it is, said so, and left running", async () => {
    await using given = await startDedicated();
    setEnvironment({ [variable]: given.url });
    const lines: string[] = [];
    const service = await start({ print: (line) => lines.push(line) });
    expect(service.source).toBe("environment");
    expect(service.url).toBe(given.url);
    expect(service).toMatchObject({ host: given.host, port: given.port });
    const at = given.description.split(" at ")[1];
    expect(lines).toEqual([`${name}: ${variable} at ${at}`]);
    await service.stop();
    // Still there for the next one.
    expect((await start(quiet)).source).toBe("environment");
  });

  test("an address where nobody answers is an error that names the variable and holds no secret", async () => {
    setEnvironment({ [variable]: dead });
    const error = await failure(start(quiet));
    expect(error.message).toContain(variable);
    expect(error.message).toContain("127.0.0.1:1");
    expect(error.message).toContain("ECONNREFUSED");
    expect(`${error.stack}${error.cause}`).not.toContain("s3cret");
  });

  test("what is no address is an error that names the variable and holds no value", async () => {
    setEnvironment({ [variable]: "ftp://s3cret:s3cret" });
    const error = await failure(start(quiet));
    expect(error.message).toMatch(new RegExp(`^${variable} is not an address of the form `));
    expect(`${error.stack}${error.cause}`).not.toContain("s3cret");
  });
});

test("a wrong password in the environment is an error that holds neither it nor the right one", async () => {
  await using redis = await startDedicatedRedis({ ...local, password: "right-one" });
  setEnvironment({ MANYKV_REDIS_URL: redis.url.replace("right-one", "wr0ng") });
  const error = await failure(startRedis(quiet));
  expect(error.message).toContain("WRONGPASS");
  expect(error.message).not.toMatch(/wr0ng|right-one/);

  await using postgres = await startDedicatedPostgres(local);
  const wrong = new URL(postgres.url);
  wrong.password = "wr0ng";
  setEnvironment({ MANYKV_POSTGRES_URL: wrong.href });
  const refused = await failure(startPostgres(quiet));
  expect(refused.message).toContain("28P01");
  expect(refused.message).not.toContain("wr0ng");
});

test("a dedicated server is never the one that the environment names", async () => {
  setEnvironment({ MANYKV_REDIS_URL: "redis://127.0.0.1:1" });
  await using service = await startDedicatedRedis(local);
  expect(service.source).toBe("process");
});

test("a single Redis is refused as a cluster", async () => {
  await using redis = await startDedicatedRedis(local);
  setEnvironment({ MANYKV_REDIS_CLUSTER_URL: `redis+cluster://${redis.host}:${redis.port}` });
  expect((await failure(startRedisCluster(quiet))).message).toContain("MANYKV_REDIS_CLUSTER_URL");
});

describe("with no address", () => {
  test.each([
    ["no engine at DOCKER_HOST", async () => "unix:///nonexistent/docker.sock"],
    ["an engine that takes the connection and never answers", async () => serve(() => {})],
    [
      "something at DOCKER_HOST that is no engine",
      async () => serve((_, response) => response.writeHead(404).end()),
    ],
  ])("%s: a local process", async (_case, engine) => {
    setEnvironment({ MANYKV_REDIS_URL: undefined, DOCKER_HOST: await engine() });
    await using service = await startRedis(quiet);
    expect(service.source).toBe("process");
  });

  test("an engine that answers and cannot start a container: said so, then a local process", async () => {
    const engine = await serve((request, response) => {
      response.writeHead(request.url?.endsWith("/_ping") ? 200 : 500).end("OK");
    });
    setEnvironment({ MANYKV_REDIS_URL: undefined, DOCKER_HOST: engine });
    const lines: string[] = [];
    await using service = await startRedis({ print: (line) => lines.push(line) });
    expect(service.source).toBe("process");
    expect(lines[0]).toMatch(/^redis: a Docker engine answers, but no container starts \(.+\)$/);
    expect(lines[1]).toBe(`redis: ${service.description}`);
  });

  test("a container that is insisted on and cannot be had is an error", async () => {
    setEnvironment({ DOCKER_HOST: "unix:///nonexistent/docker.sock" });
    const error = await failure(startDedicatedRedis({ ...quiet, source: "container" }));
    expect(error.message).toBe("redis: no Docker engine answers; start one, or set DOCKER_HOST");
  });
});

describe("with no redis-server on PATH", () => {
  const debianRoot = process.getuid?.() === 0 && existsSync("/etc/debian_version");

  test("where it cannot be installed, the error is the one line to type", async () => {
    setEnvironment({ PATH: temporaryFolder() });
    const error = await failure(startDedicatedRedis(local));
    expect(error.message).toMatch(/redis-server is not on PATH\. Install it: \S+/);
  });

  test.runIf(debianRoot)("on Debian as root it is installed, and said so", async () => {
    const server = execFileSync("sh", ["-c", "command -v redis-server"], { encoding: "utf8" }).trim();
    const folder = temporaryFolder();
    // Stands in for the package manager alone: what it "installs" is the real server.
    const aptGet = `#!/bin/sh\ncase "$*" in *"install"*"redis-server") /bin/ln -s ${server} ${folder}/redis-server ;; esac\n`;
    writeFileSync(join(folder, "apt-get"), aptGet);
    chmodSync(join(folder, "apt-get"), 0o755);
    symlinkSync("/bin/sh", join(folder, "sh"));
    setEnvironment({ PATH: folder });
    const lines: string[] = [];
    await using service = await startDedicatedRedis({ ...local, print: (line) => lines.push(line) });
    expect(lines).toEqual([
      "redis: redis-server is not on PATH; installing it with apt-get",
      `redis: ${service.description}`,
    ]);
  });
});

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error("it should have failed");
    },
    (error: Error) => error,
  );
}

/** A fake engine, to be one that is broken. */
async function serve(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(answer as never);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}
