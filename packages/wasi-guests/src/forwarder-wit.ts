import { nestedSignatures, packageOf, type Shape } from "./signatures.js";

/**
 * Returns the world of the forwarder. Its exports have the types of the interface's functions, but take the identifier of a
 * store in place of a bucket. The forwarder opens the bucket, makes one call, and returns what the call returned.
 */
export function forwarderWit(shape: Shape): string {
  const { name, version } = packageOf(shape);
  const isAsync = shape === "wasmcloud-0.2";
  const func = isAsync ? "async func" : "func";
  const integer = shape === "draft" ? "u64" : "s64";
  const cursor = shape === "draft" ? "u64" : "string";
  const place = shape === "draft2" ? "tuple<string, option<list<u8>>>" : "option<tuple<string, list<u8>>>";
  const exported = {
    open: "store: string) -> result<_, error>",
    get: "store: string, key: string) -> result<option<list<u8>>, error>",
    set: `store: string, key: string, value: list<u8>${isAsync ? ", options: option<set-options>" : ""}) -> result<_, error>`,
    delete: "store: string, key: string) -> result<_, error>",
    exists: "store: string, key: string) -> result<bool, error>",
    "list-keys": `store: string, ${isAsync ? "prefix: option<string>, " : ""}cursor: option<${cursor}>) -> result<key-response, error>`,
    increment: `store: string, key: string, delta: ${integer}) -> result<${integer}, error>`,
    "get-many": `store: string, keys: list<string>) -> result<list<${place}>, error>`,
    "set-many": "store: string, key-values: list<tuple<string, list<u8>>>) -> result<_, error>",
    "delete-many": "store: string, keys: list<string>) -> result<_, error>",
    ...compareAndSwap[shape],
  };
  const lines = Object.entries(exported).map(([each, signature]) => `  export ${each}: ${func}(${signature};`);
  const types = isAsync ? "types" : "store";
  return `package manykv:guest;

world forwarder {
  import ${name}/store@${version};
  import ${name}/atomics@${version};
  import ${name}/batch@${version};
  use ${name}/${types}@${version}.{error, key-response${isAsync ? ", set-options" : ""}};
${isAsync ? `  use ${name}/cas@${version}.{entry, cas-options, cas-result};\n` : ""}${lines.join("\n")}
}

${nestedSignatures(shape)}`;
}

/** `swap-cas` returns whether the key was swapped. The forwarder keeps its handle, and replaces it with that of `cas-failed`. */
const handles = {
  "new-cas": "store: string, key: string) -> result<_, error>",
  "current-cas": ") -> result<option<list<u8>>, error>",
  "swap-cas": "value: list<u8>) -> result<bool, error>",
};

const compareAndSwap: Record<Shape, Record<string, string>> = {
  draft: {},
  "draft2-2024": handles,
  draft2: handles,
  "wasmcloud-0.2": {
    current: "store: string, key: string) -> result<option<entry>, error>",
    swap: "store: string, key: string, value: list<u8>, options: cas-options) -> result<cas-result, error>",
  },
};
