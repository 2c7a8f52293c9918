import { EventEmitter } from "node:events";
import Module, { createRequire } from "node:module";
import pg from "pg";

/** Replaces pg-native, which requires libpq. Has only the methods that pg needs to connect and to end. */
class Binding extends EventEmitter {
  connect(_parameters: string, connected: () => void): void {
    setImmediate(connected);
  }
  end(ended: () => void): void {
    setImmediate(ended);
  }
}

/** Returns a pool that creates pg's clients for pg-native. These clients use {@link Binding} instead of pg-native. */
export function nativePool(): pg.Pool {
  const loader = Module as unknown as { _load: (name: string, ...rest: unknown[]) => unknown };
  const load = loader._load;
  loader._load = (name, ...rest) => (name === "pg-native" ? Binding : load(name, ...rest));
  try {
    // Do not use `pg.native`: some versions of Node read this getter when they import pg, before the line above runs.
    const Client = createRequire(import.meta.url)("pg/lib/native/index.js") as typeof pg.Client;
    return new pg.Pool({ host: "127.0.0.1", Client });
  } finally {
    loader._load = load;
  }
}
