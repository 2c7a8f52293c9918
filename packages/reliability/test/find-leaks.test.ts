import { StoreError } from "@manykv/core";
import { describe, expect, test } from "vitest";
import { findLeaks } from "../src/canaries/find-leaks.js";

const text = "Canary-Value-4Hn8Rw3TbY";
const canaries = [{ name: "a value", text }];
const bytes = Buffer.from(text);

const leaking: readonly [name: string, error: unknown][] = [
  ["the message", new StoreError("internal", `failed for ${text}`)],
  ["the cause", new Error("failed", { cause: new Error(text) })],
  ["a property", Object.assign(new Error("failed"), { command: { args: [text] } })],
  ["a hidden property", Object.defineProperty(new Error("failed"), "command", { value: text })],
  ["a Buffer", Object.assign(new Error("failed"), { value: bytes })],
  ["a Uint8Array", Object.assign(new Error("failed"), { value: new Uint8Array(bytes) })],
  ["hexadecimal", new Error(`failed: ${bytes.toString("hex")}`)],
  ["Base64", new Error(`failed: ${Buffer.from(`{"v":"${text}"}`).toString("base64")}`)],
  ["a URL", new Error(`failed: ${encodeURIComponent(text)}`)],
];

describe("findLeaks", () => {
  test.each(leaking)("finds a canary in %s", (_, error) => {
    expect(findLeaks(error, canaries)).not.toEqual([]);
  });

  test("finds nothing in an error without a canary", () => {
    expect(findLeaks(new StoreError("internal", "failed"), canaries)).toEqual([]);
  });
});
