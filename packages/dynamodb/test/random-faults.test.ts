import { randomInt } from "node:crypto";
import { type HttpHandler, type HttpProxy, passThrough, Random } from "@manykv/conformance/faults";
import { BatchError, type Bucket, type Store } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { damage, fail, leaveUnprocessed, resetAfter, resetBefore } from "./support/behaviours.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

/** The number of batches. Set `MANYKV_ROUNDS=5000` for a longer run, and `MANYKV_SEED` to repeat a run. */
const rounds = Number(process.env["MANYKV_ROUNDS"] ?? 60);
const seed = Number(process.env["MANYKV_SEED"] ?? randomInt(2 ** 31));

const { name: table, endpoint, client } = testTable();
const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
const random = new Random(seed);

let proxy: HttpProxy;
let store: Store;

beforeAll(async () => {
  proxy = await startProxy(endpoint);
  const retry = { attempts: 4, baseDelay: 1, maxDelay: 4 };
  store = dynamodbStore({ table, endpoint: proxy.url, retry, requestLimits: { maxKeys: 10 } });
});
afterAll(async () => {
  await store.close();
  await proxy[Symbol.asyncDispose]();
});

function garble(body: Buffer): Buffer {
  const garbled = Buffer.from(body);
  for (let byte = 0; byte < 3; byte++) garbled[random.integer(0, garbled.length - 1)] = random.integer(0, 255);
  return garbled;
}

const faults: readonly HttpHandler[] = [
  leaveUnprocessed(() => random.chance(0.5)),
  fail(400, "ThrottlingException"),
  fail(400, "ProvisionedThroughputExceededException"),
  fail(500, "InternalServerError"),
  fail(503, "ServiceUnavailable"),
  resetBefore,
  resetAfter,
  async (passage) => passage.replyHalf(await passage.forward()),
  damage((body) => body.subarray(0, random.next() * body.length)),
  damage(() => Buffer.from("{}")),
  damage(garble, { keepChecksum: true }),
];

/** The values that a key may have. `undefined` means that the key is missing. */
type Possible = Map<string, ReadonlySet<string | undefined>>;

async function checkTruth(truth: Bucket, possible: Possible): Promise<void> {
  const found = await truth.getMany(keys);
  for (const [index, key] of keys.entries()) {
    const entry = found[index];
    const value = entry && new TextDecoder().decode(entry[1]);
    expect(possible.get(key), `${key}, seed ${seed}`).toContain(value);
    possible.set(key, new Set([value]));
  }
}

/** Updates what each key may contain after a write: the new value, the old value, or either. */
function learn(possible: Possible, value: string | undefined, error: unknown): void {
  if (error !== undefined && !BatchError.is(error)) throw error;
  for (const [index, key] of keys.entries()) {
    const outcome = error === undefined ? "applied" : error.outcomeOf(index);
    if (outcome === "applied") possible.set(key, new Set([value]));
    if (outcome === "unknown") possible.set(key, new Set([...(possible.get(key) ?? []), value]));
  }
}

test(`all reported outcomes are true in ${rounds} batches under random faults, seed ${seed}`, async () => {
  const name = randomName();
  const bucket = await store.open(name);
  const truth = await dynamodbStore({ table, client }).open(name);
  const possible: Possible = new Map(keys.map((key) => [key, new Set([undefined])]));
  for (let round = 0; round < rounds; round++) {
    const odds = random.next();
    proxy.handler = (passage) => (random.chance(odds) ? random.pick(faults) : passThrough)(passage);
    const value = random.chance(0.7) ? `value-${round}` : undefined;
    const bytes = new TextEncoder().encode(value);
    const write = value === undefined ? bucket.deleteMany(keys) : bucket.setMany(keys.map((key) => [key, bytes]));
    const error: unknown = await write.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    learn(possible, value, error);
    await checkTruth(truth, possible);
    const read = await bucket.getMany(keys).catch(() => undefined);
    if (read !== undefined) expect(read, `seed ${seed}`).toEqual(await truth.getMany(keys));
  }
});
