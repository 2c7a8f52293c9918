// unstorage's fs driver takes a segment that ends with two dots, such as `release..`, for the parent folder.
import { createStorage, prefixStorage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";

const storage = createStorage({ driver: fsDriver({ base: process.argv[2] }) });
const bucket = prefixStorage(storage, "release..");
const got = await bucket.setItem("key", "value").then(
  () => "the key is stored",
  (error) => error.message,
);
console.log("expected: the key is stored");
console.log(`got: ${got}`);
process.exit(got === "the key is stored" ? 0 : 1);
