// Opens the store at the URL in the first argument, with whatever shows passwords switched on, and prints what it saw.
import { subscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";

const [url, packageUrl, clientUrl] = process.argv.slice(2);
const names = ["command", "connect", "batch"].map((name) => `tracing:ioredis:${name}`);
const phases = ["start", "end", "asyncStart", "asyncEnd", "error"];
for (const name of names.flatMap((each) => phases.map((phase) => `${each}:${phase}`)))
  subscribe(name, (message) => console.log(name, inspect(message, { depth: 8 })));

// What an agent for application performance monitoring does.
const { Redis } = await import(clientUrl);
for (const name of ["sendCommand", "connect"]) {
  const original = Redis.prototype[name];
  Redis.prototype[name] = function (...args) {
    console.log(name, inspect(args, { depth: 8 }), inspect(this.options, { depth: 8 }));
    return original.apply(this, args);
  };
}

const { redisStore } = await import(packageUrl);
const store = redisStore({ url, timeout: 3_000 });
await store.provision().then(
  () => console.log("provisioned"),
  (error) => console.log("refused", inspect(error, { depth: 8 })),
);
await store.close();
