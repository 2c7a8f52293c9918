import { componentEmbed, componentNew, parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import type { Shape } from "../../src/shapes/shape.js";
import { guestWat } from "../guests/guest-wat.js";
import { guestWit } from "../guests/guest-wit.js";

/** Builds a component from a core module in text form and its world. */
export async function buildComponent(wat: string, witSource: string, world: string): Promise<Uint8Array> {
  const core = await parse(wat);
  return componentNew(await componentEmbed({ binary: core, witSource, world }), []);
}

/** Builds the guest that forwards calls to the interface. */
export function buildGuest(shape: Shape): Promise<Uint8Array> {
  return buildComponent(guestWat(shape), guestWit(shape), "guest");
}
