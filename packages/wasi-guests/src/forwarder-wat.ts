import { packageOf, type Shape } from "./signatures.js";

/** A function that the forwarder forwards: its interface, its name, its flat parameters after the bucket. */
interface Forwarded {
  readonly from: string;
  readonly name: string;
  readonly params: string;
  /** Where the payload of the result starts. It depends on the alignment of the result's types. */
  readonly payload: 4 | 8;
}

function forwardedFunctions(shape: Shape): Record<string, Forwarded> {
  const isAsync = shape === "wasmcloud-0.2";
  const bucket = isAsync ? "types" : "store";
  const string = "i32 i32";
  const cursor = shape === "draft" ? "i32 i64" : `i32 ${string}`;
  const setOptions = isAsync ? " i32 i32 i64 i32" : "";
  const all: Record<string, Forwarded> = {
    get: { from: bucket, name: "[method]bucket.get", params: string, payload: 4 },
    set: { from: bucket, name: "[method]bucket.set", params: `${string} ${string}${setOptions}`, payload: 4 },
    delete: { from: bucket, name: "[method]bucket.delete", params: string, payload: 4 },
    exists: { from: bucket, name: "[method]bucket.exists", params: string, payload: 4 },
    "list-keys": {
      from: bucket,
      name: "[method]bucket.list-keys",
      params: isAsync ? `i32 ${string} ${cursor}` : cursor,
      payload: shape === "draft" ? 8 : 4,
    },
    increment: { from: "atomics", name: "increment", params: `${string} i64`, payload: 8 },
    "get-many": { from: "batch", name: "get-many", params: string, payload: 4 },
    "set-many": { from: "batch", name: "set-many", params: string, payload: 4 },
    "delete-many": { from: "batch", name: "delete-many", params: string, payload: 4 },
  };
  if (!isAsync) return all;
  const options = `i32 ${string} i32 ${string}`;
  return {
    ...all,
    current: { from: "cas", name: "current", params: string, payload: 4 },
    swap: { from: "cas", name: "swap", params: `${string} ${string} ${options}`, payload: 4 },
  };
}

/** Memory addresses: the result of `open` or of another inner call, the result of an export, and the heap. */
const inner = 32;
const result = 64;
const heap = 4096;

/**
 * Returns the forwarder as a core module. Its exports forward the parameters to the function of the interface and return the
 * result, without reading either, so it passes on every value that the types allow.
 */
export function forwarderWat(shape: Shape): string {
  const { name, version } = packageOf(shape);
  const functions = Object.entries(forwardedFunctions(shape));
  const importOf = (from: string, each: string) => `(import "${name}/${from}@${version}" "${each}"`;
  const imports = functions.map(
    ([each, { from, name, params }]) => `  ${importOf(from, name)} (func $${each} (param i32 ${params} i32)))`,
  );
  return `(module
  ${importOf("store", "open")} (func $open (param i32 i32 i32)))
  ${importOf(shape === "wasmcloud-0.2" ? "types" : "store", "[resource-drop]bucket")} (func $drop-bucket (param i32)))
${imports.join("\n")}
${shape.startsWith("draft2") ? casImports(importOf) : ""}
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const ${heap}))

  ;; Allocates from the end of the heap. Each export frees the whole heap after its result was read.
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32) (local $missing i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.set $missing
      (i32.sub (i32.shr_u (i32.add (global.get $heap) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
    (if (local.get $old) (then (memory.copy (local.get $at) (local.get $old) (local.get $old-size))))
    (local.get $at))
  (func $free (param i32) (global.set $heap (i32.const ${heap})))

  ;; Makes the error of the inner call the error of the export, whose payload starts at $to.
  (func $inner-error (param $to i32) (result i32)
    (i32.store8 (i32.const ${result}) (i32.const 1))
    (memory.copy (i32.add (i32.const ${result}) (local.get $to)) (i32.const ${inner + 4}) (i32.const 12))
    (i32.const ${result}))

  (func (export "open") (param $store i32) (param $length i32) (result i32)
    (call $open (local.get $store) (local.get $length) (i32.const ${inner}))
    (if (i32.load8_u (i32.const ${inner})) (then (return (call $inner-error (i32.const 4)))))
    (call $drop-bucket (i32.load (i32.const ${inner + 4})))
    (i32.store8 (i32.const ${result}) (i32.const 0))
    (i32.const ${result}))
  (export "cabi_post_open" (func $free))
${functions.map(([each, { params, payload }]) => forward(each, params.split(" "), payload)).join("\n")}
${shape.startsWith("draft2") ? casExports : ""})
`;
}

function forward(name: string, params: readonly string[], payload: number): string {
  return `
  (func (export "${name}") (param $store i32) (param $length i32) (param ${params.join(" ")}) (result i32)
    (call $open (local.get $store) (local.get $length) (i32.const ${inner}))
    (if (i32.load8_u (i32.const ${inner})) (then (return (call $inner-error (i32.const ${payload})))))
    (call $${name} (i32.load (i32.const ${inner + 4})) ${params.map((_, index) => `(local.get ${index + 2})`).join(" ")}
      (i32.const ${result}))
    (call $drop-bucket (i32.load (i32.const ${inner + 4})))
    (i32.const ${result}))
  (export "cabi_post_${name}" (func $free))`;
}

function casImports(importOf: (from: string, name: string) => string): string {
  return `  ${importOf("atomics", "[static]cas.new")} (func $new (param i32 i32 i32 i32)))
  ${importOf("atomics", "[method]cas.current")} (func $current (param i32 i32)))
  ${importOf("atomics", "swap")} (func $swap (param i32 i32 i32 i32)))
`;
}

const casExports = `
  (global $cas (mut i32) (i32.const 0))

  (func (export "new-cas") (param $store i32) (param $length i32) (param $key i32) (param $key-length i32) (result i32)
    (call $open (local.get $store) (local.get $length) (i32.const ${inner}))
    (if (i32.load8_u (i32.const ${inner})) (then (return (call $inner-error (i32.const 4)))))
    (call $new (i32.load (i32.const ${inner + 4})) (local.get $key) (local.get $key-length) (i32.const ${result}))
    (call $drop-bucket (i32.load (i32.const ${inner + 4})))
    (if (i32.eqz (i32.load8_u (i32.const ${result})))
      (then (global.set $cas (i32.load (i32.const ${result + 4})))))
    (i32.const ${result}))
  (export "cabi_post_new-cas" (func $free))

  (func (export "current-cas") (result i32)
    (call $current (global.get $cas) (i32.const ${result}))
    (i32.const ${result}))
  (export "cabi_post_current-cas" (func $free))

  (func (export "swap-cas") (param $value i32) (param $length i32) (result i32)
    (call $swap (global.get $cas) (local.get $value) (local.get $length) (i32.const ${inner}))
    (i32.store8 (i32.const ${result}) (i32.const 0))
    (i32.store8 (i32.const ${result + 4}) (i32.const 1))
    (if (i32.eqz (i32.load8_u (i32.const ${inner}))) (then (return (i32.const ${result}))))
    (i32.store8 (i32.const ${result + 4}) (i32.const 0))
    ;; The case cas-failed has the next handle.
    (if (i32.load8_u (i32.const ${inner + 4}))
      (then (global.set $cas (i32.load (i32.const ${inner + 8}))) (return (i32.const ${result}))))
    (memory.copy (i32.const ${inner + 4}) (i32.const ${inner + 8}) (i32.const 12))
    (call $inner-error (i32.const 4)))
  (export "cabi_post_swap-cas" (func $free))
`;
