import { EventEmitter } from "node:events";
import Module, { createRequire } from "node:module";
import pg from "pg";

/** What pg's native client needs of libpq's binding to connect and to end. Building the real one needs libpq. */
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
    // Not through `pg.native`: some versions of Node read it, without success, when they import pg.
    const Client = createRequire(import.meta.url)("pg/lib/native/index.js") as typeof pg.Client;
    return new pg.Pool({ host: "127.0.0.1", Client });
  } finally {
    loader._load = load;
  }
}
