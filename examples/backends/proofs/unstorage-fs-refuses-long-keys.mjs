// unstorage's fs driver uses a segment of a key as a file name, and most file systems limit names to 255 bytes.
import { createStorage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";

const storage = createStorage({ driver: fsDriver({ base: process.argv[2] }) });
const got = await storage.setItem("k".repeat(1_024), "value").then(
  () => "the key is stored",
  (error) => error.code,
);
console.log("expected: the key is stored");
console.log(`got: ${got}`);
process.exit(got === "the key is stored" ? 0 : 1);
