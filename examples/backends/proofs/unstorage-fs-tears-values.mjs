// unstorage's fs driver truncates a file and then writes to it, so overlapping writes of two values leave a mixture.
import { createStorage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";

const storage = createStorage({ driver: fsDriver({ base: process.argv[2] }) });
const values = [Buffer.alloc(1_000_000, "a"), Buffer.alloc(999_999, "b")];
await storage.setItemRaw("key", values[0]);
let mixture;
for (let round = 0; round < 500 && mixture === undefined; round++) {
  await Promise.all(values.map((value) => storage.setItemRaw("key", value)));
  const stored = await storage.getItemRaw("key");
  if (!values.some((value) => value.equals(stored))) mixture = stored;
}
const count = (letter) => mixture.toString().split(letter).length - 1;
console.log("expected: after two overlapping writes, the key has one of the two values");
console.log(`got: ${mixture === undefined ? "it does" : `a value of ${count("a")} "a" and ${count("b")} "b"`}`);
process.exit(mixture === undefined ? 0 : 1);
