import { EventEmitter } from "node:events";
import Module, { createRequire } from "node:module";
import pg from "pg";

/** libpq's binding, as far as pg's native client needs it to connect and to end: to build the real one takes libpq. */
class Binding extends EventEmitter {
  connect(_parameters: string, connected: () => void): void {
    setImmediate(connected);
  }
  end(ended: () => void): void {
    setImmediate(ended);
  }
}

/** A pool of pg's clients for pg-native. */
export function nativePool(): pg.Pool {
  const loader = Module as unknown as { _load: (name: string, ...rest: unknown[]) => unknown };
  const load = loader._load;
  loader._load = (name, ...rest) => (name === "pg-native" ? Binding : load(name, ...rest));
  try {
    // Not by `pg.native`, which some versions of Node have looked at, in vain, by the time that pg is imported.
    const Client = createRequire(import.meta.url)("pg/lib/native/index.js") as typeof pg.Client;
    return new pg.Pool({ host: "127.0.0.1", Client });
  } finally {
    loader._load = load;
  }
}
