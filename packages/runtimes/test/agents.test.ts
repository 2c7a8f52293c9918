import { type DedicatedRedis, randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "./support/application.js";
import { FakeAgent } from "./support/fake-agent.js";
import { expectConformance, expectSuccess, servers, type Target, target } from "./support/targets.js";

interface Agent {
  readonly name: string;
  /** The flags of Node.js that the agent's documentation names for programs with ECMAScript modules. */
  readonly flags: readonly string[];
  readonly env: (server: string) => NodeJS.ProcessEnv;
  /** What the output or the agent's data contains if the agent has instrumented the clients. */
  readonly proof: RegExp;
}

// The newest versions of two agents need Node.js 22.
const isOld = Number(process.versions.node.split(".")[0]) < 22;
const datadog = isOld ? "dd-trace" : "dd-trace-6";
const newRelic = isOld ? "newrelic" : "newrelic-14";

const agents: readonly Agent[] = [
  {
    name: "Datadog",
    flags: ["--import", `${datadog}/initialize.mjs`],
    env: (server) => ({
      DD_TRACE_AGENT_URL: server,
      DD_TRACE_STARTUP_LOGS: "false",
      DD_INSTRUMENTATION_TELEMETRY_ENABLED: "false",
      DD_REMOTE_CONFIGURATION_ENABLED: "false",
      DD_DBM_PROPAGATION_MODE: "full",
    }),
    proof: /pg\.query/,
  },
  {
    name: "OpenTelemetry",
    flags: ["--import", "./agents/opentelemetry.mjs"],
    env: () => ({ MANYKV_PRINT_SPANS: "1" }),
    proof: /"@opentelemetry\/instrumentation-pg":\d/,
  },
  {
    name: "Elastic",
    flags: [
      // On Node.js 22.23, no program starts with both this loader and --require.
      ...(isOld ? ["--experimental-loader=elastic-apm-node/loader.mjs"] : []),
      ...["--require", "elastic-apm-node/start.js", "--import", "./agents/elastic.mjs"],
    ],
    env: (server) => ({
      ELASTIC_APM_SERVER_URL: server,
      ELASTIC_APM_CLOUD_PROVIDER: "none",
      ELASTIC_APM_CENTRAL_CONFIG: "false",
      ELASTIC_APM_METRICS_INTERVAL: "0s",
      ELASTIC_APM_CAPTURE_BODY: "all",
    }),
    proof: /"subtype":"dynamodb"/,
  },
  {
    name: "New Relic",
    flags: [
      ...["--import", `${newRelic}/esm-loader.mjs`, "--require", newRelic],
      ...["--import", "./agents/newrelic.mjs"],
    ],
    env: () => ({
      MANYKV_AGENT: newRelic,
      NEW_RELIC_APP_NAME: "program",
      NEW_RELIC_LICENSE_KEY: "0".repeat(40),
      NEW_RELIC_NO_CONFIG_FILE: "true",
      NEW_RELIC_LOG_ENABLED: "false",
      NEW_RELIC_HOST: "127.0.0.1",
      NEW_RELIC_PORT: "9", // Nothing listens there.
    }),
    proof: /Datastore\/\w+\/Postgres/,
  },
];

const password = "PASSWORDCANARY";
const wrongPassword = "WRONGCANARY";
let redis: DedicatedRedis;
let server: FakeAgent;

beforeAll(async () => {
  [redis, server] = await Promise.all([startDedicatedRedis({ password }), FakeAgent.start()]);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await redis.stop();
});

function withPassword(url: string, changed: string): string {
  const parsed = new URL(url);
  parsed.password = changed;
  return parsed.href;
}

/** Targets that work, then targets whose server refuses the call with a code. */
function walkTargets(ownership: Target["ownership"]): (Target & { code?: string })[] {
  const [, ...others] = servers;
  const redisTarget: Target = { backend: "redis", address: redis.url, table: randomName(), ownership };
  const postgres = target("postgres", ownership);
  return [
    redisTarget,
    ...others.map((backend) => target(backend, ownership)),
    { ...redisTarget, address: withPassword(redis.url, wrongPassword), code: "access-denied" },
    { ...postgres, address: withPassword(postgres.address, wrongPassword), code: "access-denied" },
    { ...target("postgres", ownership), code: "no-such-store" },
    { ...target("dynamodb", ownership), code: "no-such-store" },
  ];
}

function environment({ env }: Agent): NodeJS.ProcessEnv {
  return { ...env(server.url), NODE_NO_WARNINGS: "1" };
}

describe.each(agents)("with $name's instrumentation", (agent) => {
  const { flags, proof } = agent;

  test.each(["own", "caller"] as const)(
    "a program with %s clients works, leaks nothing and ends",
    async (ownership) => {
      const before = server.received.length;
      const MANYKV_TARGETS = JSON.stringify(walkTargets(ownership));
      const ended = await run(process.execPath, [...flags, "walk.mjs"], { ...environment(agent), MANYKV_TARGETS });
      expectSuccess(ended);
      expect(ended.output).toMatch(/^walked$/m);
      const seen = ended.output + server.received.slice(before);
      expect(seen).toMatch(proof);
      expect(seen).not.toMatch(/^unended span.*/m);
      const secrets = [password, wrongPassword, "VALUECANARY", new URL(serviceUrl("postgres")).password];
      for (const secret of secrets) expect(seen.includes(secret), `${secret} is shown`).toBe(false);
    },
  );
});

const runs = agents.flatMap((agent) => servers.map((backend) => ({ name: agent.name, agent, backend })));

test.concurrent.each(runs)("the suite passes with the clients of a program and $name: $backend", async (run) => {
  const { agent, backend } = run;
  const command = { file: process.execPath, args: agent.flags, env: environment(agent) };
  await expectConformance(command, target(backend, "caller"), "redis");
});
