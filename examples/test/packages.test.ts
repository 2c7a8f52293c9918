import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createProject, packAll, publicPackages } from "./support/packages.js";
import { repository, run } from "./support/repository.js";
import { codeBlocksOf } from "./support/snippets.js";

const bin = (name: string): string => join(repository, "node_modules/.bin", name);
const names = publicPackages().map(({ name }) => name);
const destination = mkdtempSync(join(tmpdir(), "manykv-packages-"));
const folders = [destination];
let tarballs: Map<string, string>;

function tarball(name: string): string {
  const path = tarballs.get(name);
  if (path === undefined) throw new Error(`${name} was not packed`);
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

test("the packages of the public contract are packed", () => {
  const contract = ["core", "memory", "redis", "postgres", "dynamodb", "conformance"].map(
    (name) => `@manykv/${name}`,
  );
  expect(names).toEqual(expect.arrayContaining(["manykv", ...contract]));
});

describe.each(names)("%s", (name) => {
  test("passes publint", async () => {
    const { stdout } = await run(bin("publint"), ["--strict", tarball(name)]);
    expect(stdout).toContain("All good!");
  });

  test("has types that resolve", async () => {
    await run(bin("attw"), ["--profile", "esm-only", "--format", "ascii", tarball(name)]);
  });

  test("holds what it needs, and no leftovers", async () => {
    const { stdout } = await run("tar", ["-tzf", tarball(name)]);
    const files = stdout.trim().split("\n");
    expect(files).toEqual(
      expect.arrayContaining([
        "package/package.json",
        "package/README.md",
        "package/LICENSE",
        "package/dist/index.js",
      ]),
    );
    expect(files.filter((file) => /tsbuildinfo|\/test\/|\.turbo|node_modules/.test(file))).toEqual([]);
    const manifest = await run("tar", ["-xzOf", tarball(name), "package/package.json"]);
    expect(manifest.stdout).not.toContain("workspace:");
    expect(manifest.stdout).not.toContain("catalog:");
  });
});

describe("in an empty project", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await project([
      ...names.map(tarball),
      "@types/node@20",
      "ioredis@6",
      "pg@8",
      "@aws-sdk/client-dynamodb@3",
    ]);
  });

  const [tenLines] = codeBlocksOf(readFileSync(join(repository, "README.md"), "utf8")).filter(
    ({ comment }) => comment === "from examples/src/ten-lines.ts",
  );
  const printed = "plum one plum\nundefined undefined\napple one apple\n";

  /** Type-checks a file as TypeScript does in a project that is a module. */
  async function compile(file: string, others: object = {}): Promise<void> {
    const options = {
      module: "nodenext",
      target: "es2023",
      strict: true,
      skipLibCheck: true,
      types: ["node"],
    };
    const config = { compilerOptions: { ...options, outDir: "built", ...others }, files: [file] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const { stdout } = await run(bin("tsc"), ["-p", folder]).catch((error: { stdout: string }) => error);
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

  test("the types of core and memory compile in a program for browsers, which has none of Node's", async () => {
    writeFileSync(
      join(folder, "browser.ts"),
      'import { portableLimits, type Store } from "@manykv/core";\nimport { memoryStore } from "@manykv/memory";\nexport const store: Store = memoryStore({ limits: portableLimits });\n',
    );
    await compile("browser.ts", { lib: ["es2022", "dom"], types: [], skipLibCheck: false });
  });

  test("every package can be imported, with its types", async () => {
    const imports = names.map((name, index) => `import * as package${index} from "${name}";`);
    const uses = names.map((_, index) => `console.log(Object.keys(package${index}).length > 0);`);
    writeFileSync(join(folder, "all.ts"), [...imports, ...uses].join("\n"));
    await compile("all.ts");
    const { stdout } = await run(process.execPath, ["built/all.js"], { cwd: folder });
    expect(stdout).toBe("true\n".repeat(names.length));
  });

  test("the command is there, executable, and runs", async () => {
    const command = join(folder, "node_modules/.bin/manykv");
    accessSync(command, constants.X_OK);
    expect(readFileSync(command, "utf8").startsWith("#!/usr/bin/env node\n")).toBe(true);
    const { version } = JSON.parse(readFileSync(join(folder, "node_modules/manykv/package.json"), "utf8"));
    expect((await run(command, ["--version"])).stdout).toBe(`${version}\n`);
    expect((await run(command, ["set", "--store", "memory:", "k", "v"])).stdout).toBe("");
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

describe("where a backend is not installed", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await project([tarball("manykv"), tarball("@manykv/core"), tarball("@manykv/memory")]);
  });

  test.each(backends)("openStore says what to install: %s", async (_, url, advice) => {
    await expectAdvice(folder, url, advice);
  });

  test("the command says what to install", async () => {
    const failed = run(join(folder, "node_modules/.bin/manykv"), ["list", "--store", backends[0][1]]);
    await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(backends[0][2]) });
  });
});

test("a command that is installed globally finds the backends that are, and says to install them so", async () => {
  const own = ["manykv", "@manykv/core", "@manykv/memory"].map(tarball);
  const globally = ["--global", "--prefix=."];
  const list = (folder: string) =>
    run(join(folder, "bin/manykv"), ["list", "--timeout", "1000", "--store", "redis://127.0.0.1:1"]);
  const without = await project(own, ...globally);
  await expect(list(without)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("--global") });
  const complete = await project([...own, tarball("@manykv/redis"), "ioredis@6"], ...globally);
  await expect(list(complete)).rejects.toMatchObject({
    code: 3,
    stderr: expect.stringContaining("unavailable"),
  });
});

test("where just the client is not installed, openStore says what to install", async () => {
  const own = [
    "manykv",
    "@manykv/core",
    "@manykv/memory",
    "@manykv/redis",
    "@manykv/postgres",
    "@manykv/dynamodb",
  ];
  const folder = await project(own.map(tarball), "--legacy-peer-deps");
  for (const [, url, advice] of backends) await expectAdvice(folder, url, advice);
});
