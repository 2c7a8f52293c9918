import { readFile } from "node:fs/promises";
import { keyvalue } from "@manykv/wasi";
import { loadComponent, wasiImports } from "@manykv/wasi/component";

const [file = "guest.wasm", store = "memory:"] = process.argv.slice(2);

// #region run
const component = await loadComponent(await readFile(file));
await using host = keyvalue({
  shape: component.shape,
  stores: { default: store }, // the component calls open("default")
  onError: ({ identifier, call, error }) => console.error(identifier, call, error),
});
await host.open(); // rejects if the store cannot be opened
const wasi = await wasiImports({ args: ["guest", "--verbose"] }, component.imports);
const exports = await component.instantiate(host, wasi);
const { run } = exports["wasi:cli/run@0.2.0"] as { run(): void | Promise<void> };
await run();
// #endregion run
