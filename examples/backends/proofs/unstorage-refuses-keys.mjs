// unstorage removes separators from both ends of a key. It refuses keys that are then empty or have a segment `.`.
import { createStorage } from "unstorage";

const storage = createStorage();
const keys = ["", "/", "\\", ":", "?", ".", ".:key"];
const refused = [];
for (const key of keys) await storage.setItem(key, "value").catch(() => refused.push(key));
console.log("expected: every key can be set");
console.log(`got: these keys are refused: ${JSON.stringify(refused)}`);
process.exit(refused.length > 0 ? 1 : 0);
