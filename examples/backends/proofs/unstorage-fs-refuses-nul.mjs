// unstorage's fs driver uses a key as a path, and a path cannot contain U+0000.
import { createStorage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";

const storage = createStorage({ driver: fsDriver({ base: process.argv[2] }) });
const got = await storage.setItem("with\0nul", "value").then(
  () => "the key is stored",
  (error) => error.code,
);
console.log("expected: the key is stored");
console.log(`got: ${got}`);
process.exit(got === "the key is stored" ? 0 : 1);
