// Preload that records the spans of OpenTelemetry's instrumentations in memory and prints them at the end.
import { register } from "node:module";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { AwsInstrumentation } from "@opentelemetry/instrumentation-aws-sdk";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { IORedisInstrumentation } from "@opentelemetry/instrumentation-ioredis";
import { NetInstrumentation } from "@opentelemetry/instrumentation-net";
import { PgInstrumentation } from "@opentelemetry/instrumentation-pg";
import { RedisInstrumentation } from "@opentelemetry/instrumentation-redis";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

register("@opentelemetry/instrumentation/hook.mjs", import.meta.url);

const open = new Set();
const ended = new Map();

const recorder = {
  onStart: (span) => open.add(span),
  onEnd(span) {
    open.delete(span);
    const { name } = span.instrumentationScope;
    ended.set(name, (ended.get(name) ?? 0) + 1);
    if (process.env["MANYKV_PRINT_SPANS"]) print("span", span);
  },
  forceFlush: async () => {},
  shutdown: async () => {},
};

function print(what, { name, attributes, events, status }) {
  console.log(what, JSON.stringify({ name, attributes, events, status }));
}

const provider = new NodeTracerProvider({ spanProcessors: [recorder] });
provider.register();
registerInstrumentations({
  instrumentations: [
    new AwsInstrumentation(),
    new HttpInstrumentation(),
    new IORedisInstrumentation(),
    new NetInstrumentation(),
    new PgInstrumentation({ enhancedDatabaseReporting: true, addSqlCommenterCommentToQueries: true }),
    new RedisInstrumentation(),
    new UndiciInstrumentation(),
  ],
});

const tracer = provider.getTracer("program");

globalThis.manykvAgent = {
  inTransaction: (name, run) =>
    tracer.startActiveSpan(name, async (span) => {
      try {
        return await run();
      } finally {
        span.end();
      }
    }),
  finish: async () => {
    for (const span of open) print("unended span", span);
    console.log("ended spans", JSON.stringify(Object.fromEntries(ended)));
  },
};
