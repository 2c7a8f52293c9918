import { readFileSync } from "node:fs";
import { componentEmbed, componentNew, parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { forwarderWat } from "./forwarder-wat.js";
import { forwarderWit } from "./forwarder-wit.js";
import { nestedSignatures, packageOf, type Shape } from "./signatures.js";

/** Builds the component that forwards the calls of its exports to the interface. See `forwarderWit`. */
export function buildForwarder(shape: Shape): Promise<Uint8Array> {
  return build(forwarderWat(shape), forwarderWit(shape), "forwarder");
}

/** Builds the component that exports `wasi:cli/run`. See `guests/command.wat`. */
export function buildCommand(): Promise<Uint8Array> {
  return build(readGuest("command.wat"), readGuest("command.wit") + nestedSignatures("draft2"), "command");
}

/**
 * Builds the component that exports `wasi:cli/run` of WASI 0.3. See `guests/command-0.3.wat`. Its calls have the same
 * parameters in both shapes.
 */
export function buildCommand03(shape: "wasmcloud-0.2" | "draft2"): Promise<Uint8Array> {
  const { name, version } = packageOf(shape);
  const read = (file: string) =>
    readGuest(file).replaceAll(/wasmcloud:keyvalue\/(\w+)@0\.2\.0/g, `${name}/$1@${version}`);
  return build(read("command-0.3.wat"), read("command-0.3.wit") + nestedSignatures(shape), "command");
}

/** Builds the component that exports `wasi:http/incoming-handler`. See `guests/sessions.wat`. */
export function buildSessions(): Promise<Uint8Array> {
  return build(readGuest("sessions.wat"), readGuest("sessions.wit") + nestedSignatures("draft2"), "sessions");
}

/** Builds the component that exports `wasi:http/handler` of WASI 0.3. See `guests/sessions-0.3.wat`. */
export function buildSessions03(): Promise<Uint8Array> {
  const wit = readGuest("sessions-0.3.wit") + nestedSignatures("wasmcloud-0.2");
  return build(readGuest("sessions-0.3.wat"), wit, "sessions");
}

function readGuest(name: string): string {
  return readFileSync(new URL(`../guests/${name}`, import.meta.url), "utf8");
}

/** Builds a component from a core module in text form and a world. */
async function build(wat: string, witSource: string, world: string): Promise<Uint8Array> {
  return componentNew(await componentEmbed({ binary: await parse(wat), witSource, world }), []);
}
