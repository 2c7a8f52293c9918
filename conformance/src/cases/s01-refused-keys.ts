import assert from "node:assert/strict";
import type { CaseContext } from "../case-context.js";
import type { Ability, ConformanceCase } from "../conformance-case.js";
import { type KeyMethod, keyMethods } from "../support/bad-key-calls.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf, rejectsWith } from "../support/rejections.js";
import { illFormed, kebab, notStrings } from "../support/strings.js";

/** Cases for rule S1: every method rejects invalid keys. */
export const refusedKeyCases: readonly ConformanceCase[] = keyMethods.flatMap((method): ConformanceCase[] => [
  {
    id: `s01-ill-formed-${kebab(method.name)}`,
    rule: "S1",
    subject: "core",
    needs: needsOf(method),
    title: `${method.name} rejects ill-formed strings, because an engine would store several of them under one key`,
    run: (context) => refuses(context, method, illFormed),
  },
  {
    id: `s01-not-a-string-${kebab(method.name)}`,
    rule: "S1",
    subject: "core",
    needs: needsOf(method),
    title: `${method.name} rejects a key that is not a string`,
    run: (context) => refuses(context, method, notStrings),
  },
]);

function needsOf({ needs }: KeyMethod): readonly Ability[] {
  return needs === undefined ? [] : [needs];
}

async function refuses(
  context: CaseContext,
  method: KeyMethod,
  keys: readonly (readonly [string, unknown])[],
): Promise<void> {
  const { requests, wrap } = recordRequests();
  const bucket = await context.bucket({ wrap });
  for (const [kind, key] of keys) {
    const call = method.call(bucket, key as string);
    const what = `${method.name} with ${kind}`;
    if (method.entries === 0) await rejectsWith(call, "invalid-argument", what);
    else assertNothingApplied(await batchErrorOf(call, "invalid-argument", what), method.entries);
    assert.equal(requests.length, 0, `${what} must send no request`);
  }
}
