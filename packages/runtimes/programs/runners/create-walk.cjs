// What every test runner runs: some calls on the store at each URL of MANYKV_URLS.
const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");

const bytes = (text) => new TextEncoder().encode(text);
const text = (value) => value && new TextDecoder().decode(value);

exports.urls = JSON.parse(process.env.MANYKV_URLS);

/** Longest time of a test, in milliseconds. The default of 5 s is short for a busy machine. */
exports.timeout = 60_000;

exports.createWalk = ({ openStore, StoreError }) =>
  async function walk(url) {
    const store = await openStore(url);
    await store.provision();
    // Other programs use the same servers at the same time.
    const bucket = await store.open(`runner-${randomUUID()}`, { coalesce: true });
    await bucket.setMany([
      ["a", bytes("1")],
      ["b", bytes("2")],
    ]);
    await Promise.all([bucket.set("c", bytes("3")), bucket.set("d", bytes("4"))]);
    const found = await bucket.getMany(["d", "missing", "a"]);
    assert.deepEqual(
      found.map((entry) => entry && `${entry[0]} ${text(entry[1])}`),
      ["d 4", undefined, "a 1"],
    );
    assert.equal(text(await bucket.get("c")), "3");
    const keys = [];
    for await (const key of bucket.keys()) keys.push(key);
    assert.deepEqual(keys.sort(), ["a", "b", "c", "d"]);
    const error = await bucket.set("\ud800", bytes("5")).catch((error) => error);
    assert.ok(error instanceof StoreError && error instanceof Error && StoreError.is(error));
    assert.equal(error.code, "invalid-argument");
    await bucket.deleteMany(keys);
    await store.close();
  };
