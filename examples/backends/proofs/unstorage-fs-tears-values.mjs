// unstorage's fs driver truncates a file before it writes the new value, so a read meanwhile returns a part of it.
import { createStorage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";

const storage = createStorage({ driver: fsDriver({ base: process.argv[2] }) });
const value = Buffer.alloc(1_000_000, "v");
await storage.setItemRaw("key", value);
let torn;
for (let round = 0; round < 500 && torn === undefined; round++) {
  const write = storage.setItemRaw("key", value);
  const reads = await Promise.all(Array.from({ length: 8 }, () => storage.getItemRaw("key")));
  torn = reads.find((read) => read.length !== value.length);
  await write;
}
console.log(`expected: every read returns ${value.length} bytes`);
console.log(`got: ${torn === undefined ? "every read does" : `a read returned ${torn.length} bytes`}`);
process.exit(torn === undefined ? 0 : 1);
