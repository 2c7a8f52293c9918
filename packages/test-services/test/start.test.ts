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
  /** An address at which no server listens. It contains a secret. */
  dead: string;
}

// Ports 1 and 2 are assigned to obsolete services, so no server listens on them.
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
  test("uses the server at the address in the environment, prints its address, and leaves it running", async () => {
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
    // The server is still running.
    expect((await start(quiet)).source).toBe("environment");
  });

  test("if no server listens at the address, the error names the variable and contains no secret", async () => {
    setEnvironment({ [variable]: dead });
    const error = await failure(start(quiet));
    expect(error.message).toContain(variable);
    expect(error.message).toContain("127.0.0.1:1");
    expect(error.message).toContain("ECONNREFUSED");
    expect(`${error.stack}${error.cause}`).not.toContain("s3cret");
  });

  test("if the address is invalid, the error names the variable and does not contain its value", async () => {
    setEnvironment({ [variable]: "ftp://s3cret:s3cret" });
    const error = await failure(start(quiet));
    expect(error.message).toMatch(new RegExp(`^${variable} is not an address of the form `));
    expect(`${error.stack}${error.cause}`).not.toContain("s3cret");
  });
});

test("the error for a wrong password contains neither the wrong nor the right password", async () => {
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

test("a dedicated server never comes from the environment", async () => {
  setEnvironment({ MANYKV_REDIS_URL: "redis://127.0.0.1:1" });
  await using service = await startDedicatedRedis(local);
  expect(service.source).toBe("process");
});

test("the address of a single Redis is rejected as the address of a cluster", async () => {
  await using redis = await startDedicatedRedis(local);
  setEnvironment({ MANYKV_REDIS_CLUSTER_URL: `redis+cluster://${redis.host}:${redis.port}` });
  expect((await failure(startRedisCluster(quiet))).message).toContain("MANYKV_REDIS_CLUSTER_URL");
});

describe("without an address in the environment", () => {
  test.each([
    ["without an engine at DOCKER_HOST", async () => "unix:///nonexistent/docker.sock"],
    ["with a DOCKER_HOST that is not a URL", async () => "not a URL"],
    ["with a DOCKER_HOST whose port is not a number", async () => "tcp://127.0.0.1:port"],
    ["with a DOCKER_HOST of an unknown protocol", async () => "ssh://user@127.0.0.1:1"],
    ["with an engine that accepts the connection and never responds", async () => serve(() => {})],
    [
      "with a server at DOCKER_HOST that is not an engine",
      async () => serve((_, response) => response.writeHead(404).end()),
    ],
  ])("%s, prints a line about it and starts a local process", async (_case, engine) => {
    setEnvironment({ MANYKV_REDIS_URL: undefined, DOCKER_HOST: await engine() });
    const lines: string[] = [];
    await using service = await startRedis({ print: (line) => lines.push(line) });
    expect(service.source).toBe("process");
    expect(lines).toEqual([
      "redis: no Docker engine responds at DOCKER_HOST. Start it, or correct or unset DOCKER_HOST",
      `redis: ${service.description}`,
    ]);
  });

  test("with TLS and without certificates for DOCKER_HOST, prints a line about it and starts a local process", async () => {
    const docker = { DOCKER_HOST: "tcp://127.0.0.1:1", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: temporaryFolder() };
    setEnvironment({ MANYKV_REDIS_URL: undefined, ...docker });
    const lines: string[] = [];
    await using service = await startRedis({ print: (line) => lines.push(line) });
    expect(service.source).toBe("process");
    expect(lines[0]).toMatch(/^redis: no Docker engine responds at DOCKER_HOST\./);
  });

  test("if the engine cannot start a container, prints the reason and starts a local process", async () => {
    const engine = await serve((request, response) => {
      response.writeHead(request.url?.endsWith("/_ping") ? 200 : 500).end("OK");
    });
    setEnvironment({ MANYKV_REDIS_URL: undefined, DOCKER_HOST: engine });
    const lines: string[] = [];
    await using service = await startRedis({ print: (line) => lines.push(line) });
    expect(service.source).toBe("process");
    expect(lines[0]).toMatch(/^redis: a Docker engine responds, but cannot start a container \(.+\)$/);
    expect(lines[1]).toBe(`redis: ${service.description}`);
  });

  test("rejects if `source` is container and no engine responds", async () => {
    setEnvironment({ DOCKER_HOST: "unix:///nonexistent/docker.sock" });
    const error = await failure(startDedicatedRedis({ ...quiet, source: "container" }));
    expect(error.message).toBe("redis: no Docker engine responds. Start one, or set DOCKER_HOST");
  });
});

describe("without redis-server on PATH", () => {
  const debianRoot = process.getuid?.() === 0 && existsSync("/etc/debian_version");

  test("if redis-server cannot be installed, the error contains the command that installs it", async () => {
    setEnvironment({ PATH: temporaryFolder() });
    const error = await failure(startDedicatedRedis(local));
    expect(error.message).toMatch(/redis-server is not on PATH\. Install it: \S+/);
  });

  test.runIf(debianRoot)("on Debian as root, installs redis-server and prints a line about it", async () => {
    const server = execFileSync("sh", ["-c", "command -v redis-server"], { encoding: "utf8" }).trim();
    const folder = temporaryFolder();
    // Replaces apt-get with a script that "installs" a link to the real server.
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
      throw new Error("The promise must reject, but resolved");
    },
    (error: Error) => error,
  );
}

/** Starts an HTTP server in place of a Docker engine. Returns its address for `DOCKER_HOST`. */
async function serve(handle: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(handle as never);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}
