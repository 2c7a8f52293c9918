import assert from "node:assert/strict";
import { StoreError } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import { type ConnectionFault, seededConnectionFault } from "../faults/connection-fault.js";
import { deriveSeed } from "../faults/random.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { hangs, networkClients, standStill } from "../support/network.js";
import { rejectionOf } from "../support/rejections.js";
import { settles } from "../support/settles.js";
import { leavesNoneUnhandled } from "../support/unhandled-rejections.js";

const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);

const faults: readonly ConnectionFault[] = [
  { kind: "cut", direction: "request" },
  { kind: "cut", direction: "answer" },
  { kind: "reset", direction: "answer", after: { bytes: 50 } },
  { kind: "drop", direction: "answer" },
  { kind: "drop", direction: "request", after: { bytes: 20 } },
  { kind: "half-open", direction: "answer", after: { bytes: 50 } },
];

/** Timeout of calls that need not succeed, in milliseconds. */
const shortTimeout = 2_000;

/**
 * Cases for the rules S10, S11, S12 and `errors`: calls while connections break, stay silent, send small pieces or
 * garble bytes, and calls while the server is unreachable.
 */
export const networkReadCases: readonly ConformanceCase[] = [
  {
    id: "s10-network-one-connection",
    rule: "S10",
    subject: "network",
    title: "if a connection breaks, getMany returns every key over another connection",
    async run(context) {
      await Promise.all(
        faults.map(async (fault) => {
          const { proxies, proxied, direct } = await networkClients(context);
          await direct.setMany(keys.map((key) => [key, bytes(`of ${key}`)]));
          proxies.arm(fault);
          const answers = await proxied.getMany([...keys, "missing"]);
          for (const [index, key] of keys.entries())
            sameBytes(answers[index]?.[1], bytes(`of ${key}`), `the value of ${key} after a ${fault.kind}`);
          assert.equal(answers[keys.length], undefined);
        }),
      );
    },
  },
  {
    id: "s10-network-no-server",
    rule: "S10",
    subject: "network",
    title: "reads reject by the deadline while the server is unreachable, and succeed again afterwards",
    async run(context) {
      const { proxies, proxied, direct } = await networkClients(context, shortTimeout);
      await direct.set("key", bytes("there"));
      proxies.refuse();
      const calls: Promise<unknown>[] = [
        proxied.getMany(["key"]),
        proxied.get("key"),
        proxied.exists("key"),
        proxied.listKeys(),
      ];
      for (const call of calls) call.catch(() => {});
      for (const call of calls) {
        const settled = await settles(call, hangs);
        assert.equal(settled.status, "rejected", "a read must reject while the server is unreachable");
        const { code, retryable } = await rejectionOf(call);
        assert.ok(
          ["unavailable", "connection-lost", "timeout"].includes(code),
          `a read must reject with unavailable, connection-lost or timeout, but rejects with ${code}`,
        );
        assert.equal(retryable, true);
      }
      proxies.heal();
      await eventuallyReads(async () => sameBytes(await proxied.get("key"), bytes("there")));
    },
  },
  {
    id: "s11-network-ten-thousand-calls",
    rule: "S11",
    subject: "network",
    alone: true,
    title: "if 10,000 calls are given up at once while the server stands still, all settle and the store serves again",
    async run(context) {
      const { proxies, proxied, direct } = await networkClients(context);
      await direct.set("key", bytes("there"));
      const { resume } = standStill(proxies);
      await leavesNoneUnhandled(async () => {
        const controller = new AbortController();
        const calls = Array.from({ length: 10_000 }, (_, index): Promise<unknown> => {
          const options = index % 4 < 2 ? { timeout: 1_500 } : { signal: controller.signal, timeout: 60_000 };
          return index % 2 === 0 ? proxied.get("key", options) : proxied.set(`k${index}`, bytes("v"), options);
        });
        setTimeout(() => controller.abort(), 1_500);
        const all = await settles(Promise.allSettled(calls), 60_000, "10,000 calls");
        assert.equal(all.status, "fulfilled");
        for (const { status } of all.value) assert.equal(status, "rejected", "no call can succeed");
      });
      resume();
      await eventuallyReads(async () => sameBytes(await proxied.get("key"), bytes("there")));
      await eventuallyReads(() => proxied.set("key", bytes("again")));
      sameBytes(await direct.get("key"), bytes("again"));
    },
  },
  {
    id: "s11-network-silent-server",
    rule: "S11",
    subject: "network",
    title: "reads and writes reject by the deadline while the server is silent on every connection",
    async run(context) {
      const { proxies, proxied } = await networkClients(context);
      proxies.arm({ kind: "drop", direction: "answer", scope: "all" });
      const options = { timeout: 600 };
      const calls = [
        proxied.getMany(["key"], options),
        proxied.listKeys(options),
        proxied.setMany([["key", bytes("v")]], options),
        proxied.deleteMany(["other"], options),
      ];
      const settled = await Promise.all(calls.map((call) => settles<unknown>(call, hangs)));
      for (const result of settled) {
        assert.equal(result.status, "rejected");
        assert.ok(result.status === "rejected" && StoreError.is(result.reason));
        assert.ok(
          ["timeout", "unavailable", "connection-lost"].includes(result.reason.code),
          `a call must reject with timeout, unavailable or connection-lost, but rejects with ${result.reason.code}`,
        );
      }
    },
  },
  {
    id: "s12-network-small-pieces",
    rule: "S12",
    subject: "network",
    title: "requests and responses that arrive in small pieces are read correctly",
    async run(context) {
      for (const direction of ["request", "answer"] as const) {
        const { proxies, proxied } = await networkClients(context);
        proxies.arm({ kind: "slice", direction, scope: "all" });
        const options = { timeout: 60_000 };
        await proxied.setMany(
          [
            ["text", bytes("漢字 😀")],
            ["bytes", pattern(5_000)],
          ],
          options,
        );
        const [text, all] = await proxied.getMany(["text", "bytes"], options);
        sameBytes(text?.[1], bytes("漢字 😀"));
        sameBytes(all?.[1], pattern(5_000));
        await proxied.deleteMany(["text"], options);
        assert.equal(await proxied.exists("text", options), false);
      }
    },
  },
  {
    id: "errors-network-garbled-answers",
    rule: "errors",
    subject: "network",
    alone: true,
    title: "if responses are garbled, calls settle, reject only with StoreErrors, and cause no unhandled rejection",
    async run(context) {
      await leavesNoneUnhandled(async () => {
        await Promise.all(
          Array.from({ length: 10 }, async (_, round) => {
            const { proxies, proxied, direct } = await networkClients(context, shortTimeout);
            await direct.set("key", bytes("value"));
            const { after } = seededConnectionFault(deriveSeed(context.seed, round));
            proxies.arm({ kind: "garble", direction: "answer", ...(after && { after }) });
            const what = `a call with responses garbled after ${JSON.stringify(after)}`;
            const calls = [proxied.getMany(["key", "missing"]), proxied.setMany([["other", bytes("v")]])];
            const ends = await Promise.all(calls.map((call) => settles<unknown>(call, hangs, what)));
            for (const end of ends)
              if (end.status === "rejected")
                assert.ok(
                  StoreError.is(end.reason),
                  `${what} must reject only with a StoreError, but rejects with ${String(end.reason)}`,
                );
          }),
        );
      });
    },
  },
];

/** Repeats a read until it succeeds, for up to 20 seconds, because a client may need several attempts to reconnect. */
async function eventuallyReads(read: () => Promise<void>): Promise<void> {
  const end = Date.now() + hangs;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!StoreError.is(error) || Date.now() > end) throw error;
    }
  }
}
