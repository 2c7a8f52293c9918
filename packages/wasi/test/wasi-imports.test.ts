import { expect, test } from "vitest";
import { wasiImports } from "../src/component.js";
import { errorOf } from "./support/guest.js";

/** What a component imports that uses all of WASI 0.3. */
const all03 = [
  "cli/environment",
  "cli/stdout",
  "clocks/monotonic-clock",
  "filesystem/preopens",
  "filesystem/types",
  "http/client",
  "http/types",
  "sockets/ip-name-lookup",
  "sockets/types",
].map((name) => `wasi:${name}@0.3.0`);

// biome-ignore lint/suspicious/noExplicitAny: components call these functions without types.
type Functions = any;

test("without the option for it, a component has no network", async () => {
  const imports: Functions = await wasiImports({});
  expect(await errorOf(() => imports["wasi:http/outgoing-handler"].handle())).toEqual({ tag: "HTTP-request-denied" });
  const { "wasi:http/client": client, ...others }: Functions = await wasiImports({}, all03);
  expect(await errorOf(() => client.send())).toEqual({ tag: "HTTP-request-denied" });
  const { TcpSocket, UdpSocket } = others["wasi:sockets/types"];
  expect(await errorOf(() => TcpSocket.create("ipv4"))).toEqual({ tag: "access-denied" });
  expect(await errorOf(() => UdpSocket.create("ipv4"))).toEqual({ tag: "access-denied" });
  const lookUp = () => others["wasi:sockets/ip-name-lookup"].resolveAddresses("localhost");
  expect(await errorOf(lookUp)).toEqual({ tag: "access-denied" });
});

test("each component of WASI 0.3 has its own folders and environment", async () => {
  const left: Functions = await wasiImports({ directories: { "/left": "." }, env: { SIDE: "left" } }, all03);
  const right: Functions = await wasiImports({ directories: { "/right": "." } }, all03);
  const pathsOf = (imports: Functions) =>
    imports["wasi:filesystem/preopens"].getDirectories().map(([, path]: [object, string]) => path);
  expect([pathsOf(left), pathsOf(right)]).toEqual([["/left"], ["/right"]]);
  expect(left["wasi:cli/environment"].getEnvironment()).toEqual([["SIDE", "left"]]);
  expect(right["wasi:cli/environment"].getEnvironment()).toEqual([]);
});

test("a component may import both versions of an interface without resources", async () => {
  const imports: Functions = await wasiImports({}, [...all03, "wasi:cli/stdout@0.2.0"]);
  expect(imports["wasi:cli/stdout"].getStdout).toBeTypeOf("function");
  expect(imports["wasi:cli/stdout"].writeViaStream).toBeTypeOf("function");
  await expect(wasiImports({}, [...all03, "wasi:filesystem/types@0.2.0"])).rejects.toThrow(
    "the component imports versions 0.2 and 0.3 of wasi:filesystem/types",
  );
});
