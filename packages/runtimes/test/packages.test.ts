import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createProject, packAll, publicPackages } from "../../../examples/test/support/packages.js";
import { repository, run } from "../../../examples/test/support/repository.js";
import { codeBlocksOf } from "../../../examples/test/support/snippets.js";

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly (string | null)[];
}

const bin = (name: string): string => join(repository, "node_modules/.bin", name);
const packages = publicPackages();
const names = packages.map(({ name }) => name);
const entryPoints = packages.flatMap((one) => [...one.entryPoints.keys()]);
const destination = mkdtempSync(join(tmpdir(), "manykv-packages-"));
const folders = [destination];
let tarballs: Map<string, string>;

function tarball(name: string): string {
  const path = tarballs.get(name);
  if (path === undefined) throw new Error(`packAll returned no tarball for ${name}.`);
  return path;
}

async function project(packages: string[], ...npmArguments: string[]): Promise<string> {
  const folder = await createProject(packages, ...npmArguments);
  folders.push(folder);
  return folder;
}

beforeAll(async () => {
  tarballs = await packAll(destination);
});

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test("every public package is packed", () => {
  const contract = ["core", "memory", "redis", "postgres", "dynamodb", "conformance"].map((name) => `@manykv/${name}`);
  expect(names).toEqual(expect.arrayContaining(["manykv", ...contract]));
});

describe.each(packages)("$name", ({ name, entryPoints }) => {
  test("passes publint", async () => {
    const { stdout } = await run(bin("publint"), ["--strict", tarball(name)]);
    expect(stdout).toContain("All good!");
  });

  test("has types that resolve", async () => {
    // To TypeScript the packages are ECMAScript modules, as to Node.js. The CommonJS modules are for Jest, without types.
    const rules = ["--profile", "esm-only", "--ignore-rules", "false-esm"];
    await run(bin("attw"), [...rules, "--format", "ascii", tarball(name)]);
  });

  async function filesOf(): Promise<string[]> {
    return (await run("tar", ["-tzf", tarball(name)])).stdout.trim().split("\n");
  }

  test("contains the required files, and no test files or build caches", async () => {
    const files = await filesOf();
    expect(files).toEqual(
      expect.arrayContaining([
        "package/package.json",
        "package/README.md",
        "package/LICENSE",
        ...[...entryPoints.values()].flatMap((file) => [`package/${file}`, `package/${file.replace(".js", ".cjs")}`]),
      ]),
    );
    expect(files.filter((file) => /tsbuildinfo|\/test\/|\.turbo|node_modules/.test(file))).toEqual([]);
    const manifest = await run("tar", ["-xzOf", tarball(name), "package/package.json"]);
    expect(manifest.stdout).not.toContain("workspace:");
    expect(manifest.stdout).not.toContain("catalog:");
  });

  test("has one module for each entry point and command, and otherwise only shared chunks", async () => {
    const manifest = JSON.parse((await run("tar", ["-xzOf", tarball(name), "package/package.json"])).stdout) as {
      bin?: Record<string, string>;
      imports?: Record<string, string>;
    };
    const programs = Object.values({ ...manifest.bin, ...manifest.imports }).map((file) => file.replace("./", ""));
    const modules = (await filesOf()).filter((file) => /^package\/dist\/(?!chunks\/).*\.js$/.test(file));
    const expected = [...entryPoints.values(), ...programs].map((file) => `package/${file}`);
    expect(modules.sort()).toEqual(expected.sort());
  });

  test("has a source map for each module and declaration file, and the sources that the maps name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "manykv-unpacked-"));
    folders.push(folder);
    await run("tar", ["-xzf", tarball(name), "-C", folder]);
    const built = (await filesOf()).filter((file) => /\/dist\/.*(\.js|\.d\.ts)$/.test(file));
    expect(built).not.toEqual([]);
    for (const file of built) {
      const mapUrl = /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(readFileSync(join(folder, file), "utf8"))?.[1];
      const map = join(folder, dirname(file), mapUrl ?? "missing");
      const { sources, sourcesContent = [] } = JSON.parse(readFileSync(map, "utf8")) as SourceMap;
      // A map contains the text of sources from private packages.
      for (const [index, source] of sources.entries())
        if (typeof sourcesContent[index] !== "string") accessSync(join(dirname(map), source), constants.R_OK);
    }
  });
});

describe("in an empty project", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await project([
      ...names.map(tarball),
      "@types/node@20",
      "typescript@5",
      "ioredis@6",
      "pg@8",
      "@aws-sdk/client-dynamodb@3",
    ]);
  });

  const [tenLines] = codeBlocksOf(readFileSync(join(repository, "README.md"), "utf8")).filter(
    ({ comment }) => comment === "from examples/src/ten-lines.ts",
  );
  const printed = "plum one plum\nundefined undefined\napple one apple\n";

  /** Type-checks and compiles a file in a project with `"type": "module"`. */
  async function compile(file: string, others: object = {}, tsc = bin("tsc")): Promise<void> {
    const options = {
      module: "nodenext",
      target: "es2023",
      strict: true,
      skipLibCheck: true,
      types: ["node"],
    };
    const config = { compilerOptions: { ...options, outDir: "built", ...others }, files: [file] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const { stdout } = await run(tsc, ["-p", folder]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe("");
  }

  test("the README's ten lines run as JavaScript", async () => {
    expect(tenLines?.code).toContain("openStore");
    writeFileSync(join(folder, "ten-lines.js"), tenLines?.code ?? "");
    expect((await run(process.execPath, ["ten-lines.js"], { cwd: folder })).stdout).toBe(printed);
  });

  test("the README's ten lines run as TypeScript, type-checked with nodenext", async () => {
    writeFileSync(join(folder, "typed.ts"), tenLines?.code ?? "");
    await compile("typed.ts");
    expect((await run(process.execPath, ["built/typed.js"], { cwd: folder })).stdout).toBe(printed);
  });

  test("the types of core and memory compile for browsers, without the types of Node.js", async () => {
    writeFileSync(
      join(folder, "browser.ts"),
      'import { portableLimits, type Store } from "@manykv/core";\nimport { memoryStore } from "@manykv/memory";\nexport const store: Store = memoryStore({ limits: portableLimits });\n',
    );
    await compile("browser.ts", { lib: ["es2022", "dom"], types: [], skipLibCheck: false });
  });

  const consumers = [
    { module: "node16" },
    { module: "node16", types: [] },
    { module: "nodenext", types: [], lib: ["es2022", "dom"] },
    { module: "esnext", moduleResolution: "bundler" },
    { module: "esnext", moduleResolution: "bundler", types: [], lib: ["es2022", "dom"] },
    { module: "preserve", moduleResolution: "bundler", strict: false },
  ];

  test.each(consumers)("a TypeScript program compiles with %o", async (options) => {
    const client = "import { redisStore } from '@manykv/redis'; import { dynamodbStore } from '@manykv/dynamodb';";
    const rest = "import { postgresStore } from '@manykv/postgres'; import { memoryStore } from '@manykv/memory';";
    const program = `
${client} ${rest}
import { BatchError, openStore, type Store } from "manykv";
export const stores: Store[] = [memoryStore(), redisStore({ url: "redis://h" }), await openStore("memory:")];
stores.push(postgresStore({ url: "postgres://h/d" }), dynamodbStore({ table: "t", region: "eu-west-1" }));
for (const store of stores) {
  const bucket = await store.open("b");
  const found: readonly [string, Uint8Array] | undefined = (await bucket.getMany(["k"]))[0];
  await bucket.set("k", found?.[1] ?? new Uint8Array(1)).catch((error) => BatchError.is(error) && error.counts.applied);
}
`;
    writeFileSync(join(folder, "consumer.ts"), program);
    await compile("consumer.ts", options);
  });

  test("the types compile without skipLibCheck, and with strict options", async () => {
    const program = `
import { redisStore } from "@manykv/redis";
import { dynamodbStore } from "@manykv/dynamodb";
import { type CallOptions, openStore, type Store } from "manykv";
export const stores: Store[] = [redisStore({ url: "redis://h" }), dynamodbStore({ table: "t", region: "r" })];
export async function list(signal: AbortSignal | undefined, { timeout }: CallOptions): Promise<void> {
  const bucket = await (await openStore("memory:")).open("b");
  let cursor: string | undefined;
  do ({ cursor } = await bucket.listKeys({ cursor, signal, timeout, prefix: undefined }));
  while (cursor !== undefined);
}
`;
    writeFileSync(join(folder, "strict.ts"), program);
    const options = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, verbatimModuleSyntax: true };
    await compile("strict.ts", { ...options, skipLibCheck: false });
  });

  test("a CommonJS program compiles with `module: commonjs` of TypeScript 5, and runs", async () => {
    const program = `
import { StoreError } from "@manykv/core";
import { checkOptions } from "@manykv/core/driver";
import { openStore } from "manykv";
async function main(): Promise<void> {
  const bucket = await (await openStore("memory:")).open("b");
  // @ts-expect-error a missing type would be any, and then this line would be correct
  const found: string = await bucket.get("k");
  console.log(typeof checkOptions, found, StoreError.is(await bucket.get("\\ud800").catch((error) => error)));
}
main();
`;
    writeFileSync(join(folder, "commonjs.cts"), program);
    const options = { module: "commonjs", moduleResolution: "node10" };
    await compile("commonjs.cts", options, join(folder, "node_modules/.bin/tsc"));
    const { stdout } = await run(process.execPath, ["built/commonjs.cjs"], { cwd: folder });
    expect(stdout).toBe("function undefined true\n");
  });

  test("every entry point can be imported and has types", async () => {
    const imports = entryPoints.map((name, index) => `import * as module${index} from "${name}";`);
    const uses = entryPoints.map((_, index) => `console.log(Object.keys(module${index}).length > 0);`);
    writeFileSync(join(folder, "all.ts"), [...imports, ...uses].join("\n"));
    await compile("all.ts");
    const { stdout } = await run(process.execPath, ["built/all.js"], { cwd: folder });
    expect(stdout).toBe("true\n".repeat(entryPoints.length));
  });

  test("the entry points of core share their classes", async () => {
    const program = `
import { StoreError } from "@manykv/core";
import { checkOptions } from "@manykv/core/driver";
try { checkOptions({ unknown: 1 }, []); } catch (error) { console.log(error instanceof StoreError); }
`;
    writeFileSync(join(folder, "classes.js"), program);
    expect((await run(process.execPath, ["classes.js"], { cwd: folder })).stdout).toBe("true\n");
  });

  test("in Node.js, `import` and `require` load the same copy of the classes", async () => {
    const program = `
const { StoreError } = require("@manykv/core");
import("@manykv/core").then((core) => console.log(core.StoreError === StoreError));
`;
    writeFileSync(join(folder, "copies.cjs"), program);
    expect((await run(process.execPath, ["copies.cjs"], { cwd: folder })).stdout).toBe("true\n");
  });

  test("the CommonJS modules, which Jest loads, export the same as the ECMAScript modules", async () => {
    const files = packages.flatMap(({ name, entryPoints }) =>
      [...entryPoints].map(([specifier, file]) => [specifier, `./node_modules/${name}/${file.replace(".js", ".cjs")}`]),
    );
    const program = `
for (const [specifier, file] of ${JSON.stringify(files)}) {
  const exported = (names) => Object.keys(names).filter((name) => name !== "__esModule").sort().join();
  const own = exported(require(file));
  import(specifier).then((module) => console.log(own !== "" && own === exported(module)));
}
`;
    writeFileSync(join(folder, "commonjs.cjs"), program);
    const { stdout } = await run(process.execPath, ["commonjs.cjs"], { cwd: folder });
    expect(stdout).toBe("true\n".repeat(entryPoints.length));
  });

  test("importing manykv or a backend loads no client library and no dependency of the command", async () => {
    const loaded = ["manykv", "@manykv/memory", "@manykv/redis", "@manykv/postgres", "@manykv/dynamodb"];
    const program = `
import { createRequire } from "node:module";
${loaded.map((name) => `import "${name}";`).join("\n")}
console.log(Object.keys(createRequire(import.meta.url).cache));
`;
    writeFileSync(join(folder, "lazy.js"), program);
    expect((await run(process.execPath, ["lazy.js"], { cwd: folder })).stdout).toBe("[]\n");
  });

  test("the command is executable and runs", async () => {
    const command = join(folder, "node_modules/.bin/manykv");
    accessSync(command, constants.X_OK);
    expect(readFileSync(command, "utf8").startsWith("#!/usr/bin/env node\n")).toBe(true);
    const { version } = JSON.parse(readFileSync(join(folder, "node_modules/manykv/package.json"), "utf8"));
    expect((await run(command, ["--version"])).stdout).toBe(`${version}\n`);
    expect((await run(command, ["set", "--store", "memory:", "k", "v"])).stdout).toBe("");
  });

  test("the command writes HTML pages", async () => {
    const command = join(folder, "node_modules/.bin/manykv");
    const bench = await run(command, ["bench", "memory:", "--sizes", "1,2", "--rounds", "2", "--html", "-"]);
    expect(bench.stdout).toMatch(/^<!doctype html>.*<svg .*<\/html>\n$/s);
    const conformance = await run(command, ["conformance", "memory:", "--only", "s04-pairs", "--html", "-"]);
    expect(conformance.stdout).toMatch(/^<!doctype html>.*<dialog .*<\/html>\n$/s);
  });
});

const backends = [
  ["redis", "redis://u:topsecret@127.0.0.1:1", "npm install @manykv/redis ioredis"],
  ["postgres", "postgres://u:topsecret@127.0.0.1:1/db", "npm install @manykv/postgres pg"],
  ["dynamodb", "dynamodb://eu-central-1/table", "npm install @manykv/dynamodb @aws-sdk/client-dynamodb"],
] as const;

const openProgram = `
import { openStore, StoreError } from "manykv";
const error = await openStore(process.argv[2]).catch((error) => error);
console.log(StoreError.is(error), error.tag, error.code, error.retryable, error.message);
`;

async function expectAdvice(folder: string, url: string, advice: string): Promise<void> {
  writeFileSync(join(folder, "open.js"), openProgram);
  const { stdout } = await run(process.execPath, ["open.js", url], { cwd: folder });
  expect(stdout).toMatch(/^true other invalid-argument false /);
  expect(stdout.endsWith(`${advice}\n`)).toBe(true);
  expect(stdout).not.toContain("topsecret");
}

describe("if a backend is not installed", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await project([tarball("manykv"), tarball("@manykv/core"), tarball("@manykv/memory")]);
  });

  test.each(backends)("openStore says which packages to install: %s", async (_, url, advice) => {
    await expectAdvice(folder, url, advice);
  });

  test("the command says which packages to install", async () => {
    const failed = run(join(folder, "node_modules/.bin/manykv"), ["list", "--store", backends[0][1]]);
    await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(backends[0][2]) });
  });
});

test("a global command finds globally installed backends, and otherwise says how to install them globally", async () => {
  const own = ["manykv", "@manykv/core", "@manykv/memory"].map(tarball);
  const globally = ["--global", "--prefix=."];
  const list = (folder: string) => run(join(folder, "bin/manykv"), ["list", "--store", "redis://127.0.0.1:1"]);
  const without = await project(own, ...globally);
  await expect(list(without)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("--global") });
  const complete = await project([...own, tarball("@manykv/redis"), "ioredis@6"], ...globally);
  await expect(list(complete)).rejects.toMatchObject({
    code: 3,
    stderr: expect.stringContaining("unavailable"),
  });
});

test("if only the client library is missing, openStore says which packages to install", async () => {
  const own = ["manykv", "@manykv/core", "@manykv/memory", "@manykv/redis", "@manykv/postgres", "@manykv/dynamodb"];
  const folder = await project(own.map(tarball), "--legacy-peer-deps");
  for (const [, url, advice] of backends) await expectAdvice(folder, url, advice);
});
