import { EventEmitter } from "node:events";
import Module from "node:module";
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
    const { native } = pg;
    if (native === null) throw new Error("pg has no native client");
    return new native.Pool({ host: "127.0.0.1" });
  } finally {
    loader._load = load;
  }
}
