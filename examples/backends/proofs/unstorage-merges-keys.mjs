// unstorage replaces `/` and `\` by `:`, merges several separators, and cuts a key at `?`. Different keys become one.
import { createStorage } from "unstorage";

const storage = createStorage();
const keys = ["a:b", "a/b", "a\\b", "a::b", ":a:b", "a:b?c"];
for (const key of keys) await storage.setItem(key, `value of ${key}`);
const values = await Promise.all(keys.map((key) => storage.getItem(key)));
const listed = await storage.getKeys();
console.log(`expected: ${keys.length} keys with different values`);
console.log(
  `got: ${JSON.stringify(listed)}, and each of the ${keys.length} reads returns one of ${new Set(values).size} values`,
);
process.exit(listed.length < keys.length ? 1 : 0);
