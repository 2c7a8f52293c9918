import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { build as esbuild, type Platform } from "esbuild";
import { build as vite } from "vite";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import webpack, { type Configuration } from "webpack";
import { createProject, packAll } from "../../../examples/test/support/packages.js";
import { repository, run } from "../../../examples/test/support/repository.js";
import { bun } from "./support/binaries.js";

/** Bundles an application for Node.js into a folder and returns the name of the file to run. */
type Bundle = (entry: string, folder: string) => Promise<string>;

const bundlers: { readonly [name: string]: Bundle } = {
  "esbuild, format cjs": async (entry, folder) => {
    const outfile = join(folder, "main.cjs");
    await esbuild({ entryPoints: [entry], bundle: true, platform: "node", format: "cjs", outfile, logLevel: "error" });
    return "main.cjs";
  },
  "esbuild, format esm": async (entry, folder) => {
    const outfile = join(folder, "main.mjs");
    await esbuild({
      entryPoints: [entry],
      bundle: true,
      platform: "node",
      format: "esm",
      outfile,
      logLevel: "error",
      // The client libraries are CommonJS modules that call `require`.
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    });
    return "main.mjs";
  },
  webpack: async (entry, folder) => {
    const stats = await promisify<Configuration, webpack.Stats | undefined>(webpack)({
      entry,
      target: "node",
      mode: "production",
      optimization: { minimize: false }, // to save time
      output: { path: folder, filename: "main.cjs" },
    });
    expect(stats?.toJson({ all: false, errors: true }).errors).toEqual([]);
    return "main.cjs";
  },
  Rollup: async (entry, folder) => {
    const plugins = ["node-resolve", "commonjs", "json"].flatMap((name) => ["--plugin", name]);
    const args = [entry, ...plugins, "--format", "es", "--dir", folder, "--silent"];
    await run("node_modules/.bin/rollup", args, { cwd: join(repository, "packages/runtimes") });
    return "main.js";
  },
  Bun: async (entry, folder) => {
    await run(bun(), ["build", entry, "--target", "node", "--outdir", folder]);
    return "main.js";
  },
  Vite: async (entry, folder) => {
    await vite({
      root: dirname(entry),
      ssr: { noExternal: true }, // By default, Vite does not bundle dependencies for servers.
      build: { ssr: entry, outDir: folder },
      logLevel: "error",
    });
    return "main.js";
  },
};

const backends = [
  { scheme: "redis:", url: "redis://127.0.0.1:1", packages: ["@manykv/redis", "ioredis"] },
  { scheme: "postgres:", url: "postgres://127.0.0.1:1/db", packages: ["@manykv/postgres", "pg"] },
  {
    scheme: "dynamodb:",
    url: "dynamodb://eu-central-1/table?endpoint=http%3A%2F%2F127.0.0.1%3A1",
    packages: ["@manykv/dynamodb", "@aws-sdk/client-dynamodb"],
  },
];

const readMemory = `
import { openStore } from "manykv";

async function read(url) {
  const store = await openStore(url, { retry: { attempts: 1 } });
  const bucket = await store.open("b");
  const entries = await bucket.getMany(["k"]).finally(() => store.close());
  console.log(url, entries.length);
}

const memory = read("memory:");
`;

const readAll = `${readMemory}
async function readBackends() {
  await memory;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" });
  for (const url of ${JSON.stringify(backends.map(({ url }) => url))}) {
    await read(url).catch(({ code, reason, message }) => {
      console.log(new URL(url).protocol, code, reason ?? /npm install .*/.exec(message)?.[0]);
    });
  }
}

readBackends();
`;

const destination = newFolder();
const folders = [destination];
let tarballs: Map<string, string>;

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "manykv-bundles-"));
}

/** Creates a folder outside the project, so that a bundle in this folder cannot load the project's packages. */
function outputFolder(): string {
  const folder = newFolder();
  folders.push(folder);
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  return folder;
}

/** Creates an npm project that contains `program` and returns the path of the program. */
async function application(program: string, packages: readonly string[] = []): Promise<string> {
  const names = ["manykv", "@manykv/core", "@manykv/memory", ...packages];
  const folder = await createProject(names.map((name) => tarballs.get(name) ?? name));
  folders.push(folder);
  const entry = join(folder, "main.js");
  writeFileSync(entry, program);
  return entry;
}

beforeAll(async () => {
  // Vitest sets NODE_ENV to test. Vite would then not build for production.
  vi.stubEnv("NODE_ENV", "production");
  tarballs = await packAll(destination);
});

afterAll(() => {
  vi.unstubAllEnvs();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe.each([{ scheme: "no backend", packages: [] }, ...backends])("an application with $scheme", (installed) => {
  let entry: string;

  beforeAll(async () => {
    entry = await application(readAll, installed.packages);
  });

  const expected = backends.map(({ scheme, packages }) =>
    scheme === installed.scheme
      ? `${scheme} unavailable ECONNREFUSED`
      : `${scheme} invalid-argument npm install ${packages.join(" ")}`,
  );

  test.each(Object.entries(bundlers))("can be bundled with %s", async (_, bundle) => {
    const folder = outputFolder();
    const file = await bundle(entry, folder);
    const { stdout } = await run(process.execPath, [file], { cwd: folder });
    expect(stdout.trim().split("\n")).toEqual(["memory: 1", ...expected]);
  });
});

describe("a memory store in a browser", () => {
  let entry: string;

  beforeAll(async () => {
    entry = await application(readMemory);
  });

  /** Runs the bundle without `process` and `Buffer`, which browsers lack, and checks the output. */
  async function expectToRun(folder: string): Promise<void> {
    const program = 'delete globalThis.process; delete globalThis.Buffer; await import("./main.js");';
    const args = ["--input-type=module", "--eval", program];
    expect((await run(process.execPath, args, { cwd: folder })).stdout).toBe("memory: 1\n");
  }

  test.each<Platform>(["browser", "neutral"])("is at most 44.7 kB, minified with esbuild for %s", async (platform) => {
    const folder = outputFolder();
    const outfile = join(folder, "main.js");
    await esbuild({ entryPoints: [entry], bundle: true, minify: true, platform, format: "esm", outfile });
    expect(statSync(outfile).size).toBeLessThanOrEqual(44_700);
    await expectToRun(folder);
  });

  test("can be bundled with Vite", async () => {
    const folder = outputFolder();
    const rollupOptions = { input: entry, output: { entryFileNames: "main.js" } };
    await vite({ root: dirname(entry), build: { outDir: folder, rollupOptions }, logLevel: "error" });
    await expectToRun(folder);
  });
});
