// memory-level settles every call without waiting for I/O, so calls in a row keep all timers from running.
import { MemoryLevel } from "memory-level";

const database = new MemoryLevel();
await database.put("key", "value");
let fired = 0;
const timer = setInterval(() => fired++, 10);
const end = performance.now() + 500;
while (performance.now() < end) await database.get("key");
clearInterval(timer);
await database.close();
console.log("expected: a timer of 10 ms fires during 500 ms of awaited calls");
console.log(`got: it fired ${fired} times`);
process.exit(fired === 0 ? 1 : 0);
