import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { randomName } from "@manykv/test-services";
import { buildCommand, buildCommand03, buildSessions } from "@manykv/wasi-guests";
import { beforeAll, expect, test } from "vitest";
import { type Ended, runCommand } from "../support/command.js";
import { storeUrls } from "../support/stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const { path } = temporaryFolder();
const component = path("command.wasm");
const service = path("sessions.wasm");
const cache = path("cache");

beforeAll(async () => {
  writeFileSync(component, await buildCommand());
  writeFileSync(service, await buildSessions());
  // The command inherits it.
  process.env["XDG_CACHE_HOME"] = cache;
  process.env["PASSED_ON"] = "yes";
});

function run(...args: string[]): Promise<Ended> {
  return runCommand(["run", ...args]);
}

const ended = (code: number, stdout: string, stderr = "") => ({ code, stdout, stderr });

async function outputOf(running: Promise<Ended>): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await running;
  return { code, stdout: stdout.toString(), stderr };
}

test("a component writes and reads 100 keys", async () => {
  const url = storeUrls.redis;
  const bucket = randomName();
  const output = await outputOf(run("-s", `default=${url}`, "-b", `default=${bucket}`, component));
  expect(output).toEqual(ended(0, "100 of 100 keys\ncommand.wasm\n"));
  const count = await runCommand(["count", "--store", url, "--bucket", bucket]);
  expect(count.stdout.toString()).toBe("100\n");
});

test("- reads the component from standard input", async () => {
  const args = ["run", "-s", "default=memory:", "-", "fail"];
  const { stderr } = await runCommand(args, { input: readFileSync(component) });
  expect(stderr).toBe("manykv: the component returned an error\n");
});

test("the component gets its arguments, and only the variables and folders of the options", async () => {
  const data = path("data");
  await mkdir(data);
  const options = ["-s", "default=memory:", "--env", "LEVEL=a=b", "--env", "PASSED_ON", "--dir", `${data}::/data`];
  const { code, stdout } = await outputOf(run(...options, component, "--store", "-x", "last"));
  expect(code).toBe(0);
  expect(stdout).toBe("100 of 100 keys\ncommand.wasm\n--store\n-x\nlast\nLEVEL=a=b\nPASSED_ON=yes\n/data\n");
});

test("without --store, MANYKV_STORE is the store default", async () => {
  const { code } = await runCommand(["run", component], { store: "memory:" });
  expect(code).toBe(0);
  expect((await outputOf(run(component))).stderr).toBe("manykv: the component returned an error\n");
});

test("the exit code tells how the component ended", async () => {
  const store = ["-s", "default=memory:"];
  const stderrOf = async (how: string) => (await outputOf(run(...store, component, how))).stderr;
  expect(await stderrOf("fail")).toBe("manykv: the component returned an error\n");
  expect(await stderrOf("trap")).toMatch(/^manykv: the component trapped: .*unreachable/);
  const { code, stderr } = await run(...store, component, "exit");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
});

test.each(["wasmcloud-0.2", "draft2"] as const)(
  "a component of WASI 0.3 and the shape %s runs where the engine can suspend it",
  async (shape) => {
    const asynchronous = path("command-0.3.wasm");
    writeFileSync(asynchronous, await buildCommand03(shape));
    const data = path(`data-${shape}`);
    await mkdir(data);
    const options = ["-s", `default=${storeUrls.redis}`, "-b", `default=${randomName()}`, "--env", "LEVEL=a=b"];
    const runAs = (...args: string[]) => outputOf(run(...options, "--dir", `${data}::/data`, asynchronous, ...args));
    if (!Reflect.has(Reflect.get(globalThis, "WebAssembly"), "Suspending")) {
      const { code, stderr } = await runAs();
      expect(stderr).toMatch(/whose functions are asynchronous: run it with Node.js 24.20, 26 or later/);
      expect(code).toBe(3);
      return;
    }
    const rest = "LEVEL=a=b\n/data\n";
    expect(await runAs("x")).toEqual(ended(0, `1\ncommand-0.3.wasm\nx\n${rest}`));
    const message = "manykv: the component returned an error\n";
    expect(await runAs("fail")).toEqual(ended(1, `2\ncommand-0.3.wasm\nfail\n${rest}`, message));
    expect(await runAs("exit")).toEqual(ended(1, `3\ncommand-0.3.wasm\nexit\n${rest}`));
    expect((await runAs("trap")).stderr).toMatch(/^manykv: the component trapped: .*unreachable/);
  },
);

test("a store that fails is an error for the component, and the command prints the cause without the password", async () => {
  const url = "default=redis://user:hunter2@127.0.0.1:1";
  const { code, stderr } = await outputOf(run("-s", url, "--timeout", "300ms", component));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^manykv: store "default": setMany failed: /m);
  expect(stderr).toMatch(/^manykv: the component returned an error$/m);
  expect(stderr).not.toContain("hunter2");
});

test("transpiles a component once, and again if its content changes", async () => {
  rmSync(cache, { recursive: true, force: true });
  const store = ["-s", "default=memory:"];
  await Promise.all([run(...store, component), run(...store, component)]);
  const folders = () => readdirSync(join(cache, "manykv/components"));
  expect(folders()).toHaveLength(1);
  await run(...store, component);
  expect(folders()).toHaveLength(1);
  const changed = path("changed.wasm");
  // A custom section with the name "x" changes the content and nothing else.
  writeFileSync(changed, Buffer.concat([await buildCommand(), Buffer.from([0, 2, 1, 0x78])]));
  expect((await run(...store, changed)).code).toBe(0);
  expect(folders()).toHaveLength(2);
  expect(existsSync(join(cache, "manykv/components", folders()[0] ?? "", "component.js"))).toBe(true);
});

test("bad input gets an error that says what to do", async () => {
  const cases: [string[], RegExp][] = [
    [[], /missing required argument 'component'/],
    [["-s", "memory:", component], /Pass a name and a URL, such as default=redis/],
    [["-s", "a=memory:", "-s", "a=memory:", component], /--store has the same name twice/],
    [["-s", "a=memory:", "-b", "b=c", component], /--bucket names "b", but no --store has this name/],
    [["-s", "a=nosql://user:hunter2@h", component], /unknown URL scheme "nosql:"/],
    [["-s", "/=memory:", component], /Pass a name and a URL/],
    [["--env", "MISSING_VARIABLE", component], /has no environment variable of this name/],
    [
      [service],
      /needs a component that exports wasi:cli\/run@0.2 or 0.3. This one exports wasi:http\/incoming-handler@0.2.0/,
    ],
    [[path("missing.wasm")], /cannot read ".*missing.wasm": no such file or directory/],
    [["package.json"], /is not a WebAssembly component/],
  ];
  const check = async ([args, message]: [string[], RegExp]) => {
    const { code, stderr } = await outputOf(run(...args));
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("hunter2");
    expect(code).not.toBe(0);
  };
  await Promise.all(cases.map(check));
});
