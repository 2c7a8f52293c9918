import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { beforeAll, expect, test } from "vitest";
import { endOf, runCommand, startCommand } from "../support/command.js";
import { createFifo } from "../support/fifo.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const store = serviceUrl("redis");
const bucket = randomName();
const line = `{"key":"k","value":"${"v".repeat(2000)}"}\n`;
const isRoot = process.getuid?.() === 0;

beforeAll(async () => {
  expect(await runCommand(["import", "-b", bucket], { store, input: line })).toMatchObject({ code: 0 });
  chmodSync(folder.path("."), 0o755);
});

const exportTo = (path: string) => runCommand(["export", "-b", bucket, path], { store });

/** Runs the command as a user without privileges. */
const asNobody = (args: readonly string[], from = store) => runCommand(args, { store: from, user: 65534 });

/** Creates a file that every user may write, in a new directory with the mode. */
function fileInDirectory(mode: number): string {
  const directory = folder.path(randomName());
  mkdirSync(directory);
  const file = join(directory, "out.ndjson");
  writeFileSync(file, "old\n".repeat(1000));
  chmodSync(file, 0o666);
  chmodSync(directory, mode);
  return file;
}

test.runIf(isRoot)("an export overwrites a file that is a mount point", async () => {
  const [source, target] = [folder.file(randomName(), "old\n".repeat(1000)), folder.file(randomName(), "")];
  execFileSync("mount", ["--bind", source, target]);
  try {
    expect(await exportTo(target)).toMatchObject({ code: 0 });
    expect(readFileSync(source, "utf8")).toBe(line);
    expect(folder.names().filter((name) => name.endsWith(".part"))).toEqual([]);
  } finally {
    execFileSync("umount", [target]);
  }
});

test.runIf(isRoot).each([
  ["a directory that the user may not write", 0o755],
  ["a directory in which only the owner of a file may replace it", 0o1777],
])("an export overwrites a file in %s", async (_, mode) => {
  const file = fileInDirectory(mode);
  expect(await asNobody(["export", "-b", bucket, file])).toMatchObject({ code: 0 });
  expect(readFileSync(file, "utf8")).toBe(line);
  expect(statSync(file).uid).toBe(process.getuid?.());
});

test.runIf(isRoot)(
  "an export that fails before its first write does not change a file that it cannot replace",
  async () => {
    const file = fileInDirectory(0o755);
    expect(await asNobody(["export", "-b", bucket, file], "redis://127.0.0.1:1")).toMatchObject({ code: 3 });
    expect(readFileSync(file, "utf8")).toBe("old\n".repeat(1000));
  },
);

test.runIf(isRoot)("an export that fails empties a file that it cannot replace", async () => {
  const own = randomName();
  await runCommand(["set", "-b", own, "--encoding", "hex", "bytes", "ff"], { store });
  const file = fileInDirectory(0o755);
  expect(await asNobody(["export", "-b", own, "--format", "csv", file])).toMatchObject({ code: 1 });
  expect(readFileSync(file, "utf8")).toBe("");
});

test.runIf(isRoot)("a replaced file keeps its owner, its group and its mode", async () => {
  const file = folder.file(randomName(), "old");
  chownSync(file, 65534, 65533);
  chmodSync(file, 0o640);
  expect(await exportTo(file)).toMatchObject({ code: 0 });
  const { uid, gid, mode } = statSync(file);
  expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 65534, gid: 65533, mode: 0o640 });
});

test.runIf(isRoot)("an export does not replace a file that the user may not write", async () => {
  const file = fileInDirectory(0o777);
  chmodSync(file, 0o444);
  const { code, stderr } = await asNobody(["export", "-b", bucket, file]);
  expect(stderr).toMatch(/^manykv: cannot write ".*": permission denied\n$/);
  expect(code).toBe(4);
  expect(readFileSync(file, "utf8")).toBe("old\n".repeat(1000));
});

test.each([`${"n".repeat(248)}.ndjson`, `${"é".repeat(124)}.ndjson`])(
  "an export creates and replaces a file whose name has 255 bytes",
  async (name) => {
    expect(await exportTo(folder.path(name))).toMatchObject({ code: 0 });
    expect(await exportTo(folder.path(name))).toMatchObject({ code: 0 });
    expect(readFileSync(folder.path(name), "utf8")).toBe(line);
  },
);

test("an export resolves a dangling link from the real directory of the link", async () => {
  mkdirSync(folder.path("a/b"), { recursive: true });
  symlinkSync("a/b", folder.path("short"));
  symlinkSync("../made.ndjson", folder.path("a/b/link"));
  expect(await exportTo(folder.path("short/link"))).toMatchObject({ code: 0 });
  expect(readFileSync(folder.path("a/made.ndjson"), "utf8")).toBe(line);
});

test.each([
  [".", "it is a directory"],
  ["loop", "too many symbolic links"],
  ["missing/file", "no such file or directory"],
  ["missing/", "no such file or directory"],
])("an export to %s says why it fails", async (name, reason) => {
  if (name === "loop") symlinkSync("loop", folder.path("loop"));
  const { code, stderr } = await exportTo(folder.path(name));
  expect(stderr).toContain(reason);
  expect(code).toBe(4);
});

test.each(["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])(
  "export %s appends to a redirected file",
  async (path) => {
    const file = folder.file(randomName(), "before\n");
    const stdout = openSync(file, "a");
    const child = startCommand(["export", "-b", bucket, path], { store, stdout });
    closeSync(stdout);
    expect(await endOf(child)).toMatchObject({ code: 0 });
    expect(readFileSync(file, "utf8")).toBe(`before\n${line}`);
  },
);

test.each(["-", "/dev/stdout", "/dev/fd/1"])("export %s writes to a pipe", async (path) => {
  expect((await exportTo(path)).stdout.toString()).toBe(line);
});

test("export writes to a FIFO, and import reads from it", async () => {
  const fifo = createFifo(folder.path(randomName()));
  const [exported, imported] = await Promise.all([exportTo(fifo), runCommand(["import", fifo], { store: "memory:" })]);
  expect(exported).toMatchObject({ code: 0 });
  expect(imported).toMatchObject({ code: 0, stderr: expect.stringContaining("imported 1 record,") });
});

test("an export to a FIFO fails if the reader closes it", async () => {
  const fifo = createFifo(folder.path(randomName()));
  const reader = spawn("head", ["-c", "0", fifo]);
  const large = randomName();
  await runCommand(["import", "-b", large], {
    store,
    input: Array.from({ length: 1000 }, (_, index) => `{"key":"${index}","value":"${"v".repeat(2000)}"}\n`).join(""),
  });
  const { code, stderr } = await runCommand(["export", "-b", large, fifo], { store });
  reader.kill();
  expect(stderr).toContain(`cannot write ${JSON.stringify(fifo)}: broken pipe`);
  expect(code).toBe(4);
});

test("an export to /dev/null succeeds, and an export to a full device fails", async () => {
  expect(await exportTo("/dev/null")).toMatchObject({ code: 0 });
  const { code, stderr } = await exportTo("/dev/full");
  expect(stderr).toContain('cannot write "/dev/full": no space left on device');
  expect(code).toBe(4);
});

test.each(["--version", "--help", "help get"])("%s on a full device fails", async (args) => {
  const full = openSync("/dev/full", "w");
  const { code, stderr } = await runCommand(args.split(" "), { stdout: full });
  closeSync(full);
  expect(stderr).toContain("cannot write standard output: no space left on device");
  expect(code).toBe(4);
});

const small = folder.path("small");

function mountSmall(): void {
  mkdirSync(small);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]);
}

test.runIf(isRoot).each(["a file", "standard output", "a report"])(
  "the command fails if the file system is full: %s",
  async (kind) => {
    mountSmall();
    try {
      const own = randomName();
      const records = `{"key":"k","value":"${"v".repeat(100_000)}"}\n`;
      await runCommand(["import", "-b", own], { store, input: records });
      const file = join(small, "out.ndjson");
      writeFileSync(file, "old");
      const args = kind === "a report" ? ["import", "--on-error", "continue", "--report", file] : ["export"];
      const stdout = kind === "standard output" ? openSync(file, "w") : undefined;
      const child = startCommand([...args, "-b", own, ...(kind === "a file" ? [file] : [])], {
        store,
        stdout,
      });
      if (stdout !== undefined) closeSync(stdout);
      const ended = endOf(child);
      child.stdin?.end("not JSON\n".repeat(2000));
      const { code, stderr } = await ended;
      expect(stderr).toContain("no space left on device");
      expect(code).toBe(4);
      if (kind === "a file") expect(readFileSync(file, "utf8")).toBe("old");
    } finally {
      execFileSync("umount", [small]);
      execFileSync("rmdir", [small]);
    }
  },
);

test.each([
  ["import", ["import"]],
  ["set", ["set", "k", "--file", "-"]],
  ["get", ["get", "--keys-from", "-"]],
  ["delete", ["delete", "--keys-from", "/dev/stdin"]],
])("%s rejects a directory as standard input", async (_, args) => {
  const { code, stderr } = await runCommand(args, { store: "memory:", inputFile: folder.path(".") });
  expect(stderr).toMatch(/^manykv: cannot read .*: it is a directory\n$/);
  expect(code).toBe(4);
});

test("--report - writes the report to standard output and creates no file", async () => {
  const { code, stdout } = await runCommand(["import", "--report", "-"], { store: "memory:", input: "not JSON\n" });
  expect(code).toBe(1);
  const lines = stdout.toString().trimEnd().split("\n");
  expect(lines.map((text) => JSON.parse(text))).toMatchObject([{ record: 1 }, { totals: { "not-applied": 1 } }]);
  expect(existsSync("-")).toBe(false);
});

test("an import fails if the reader of its report closes the pipe", async () => {
  const child = startCommand(["import", "--on-error", "continue", "--report", "-"], { store: "memory:" });
  const ended = endOf(child);
  child.stdout?.destroy();
  child.stdin?.end("not JSON\n".repeat(20_000));
  const { code, stderr } = await ended;
  expect(stderr).toContain("cannot write standard output: its reader closed it");
  expect(code).toBe(4);
});

test("a report or the output of get to the input file is a usage error", async () => {
  const file = folder.file(randomName(), "k\n");
  const links = folder.path(randomName());
  linkSync(file, links);
  for (const args of [["get"], ["delete", "--report", "-"]]) {
    const stdout = openSync(links, "a");
    const child = startCommand([...args, "--keys-from", file], { store: "memory:", stdout });
    closeSync(stdout);
    const { code, stderr } = await endOf(child);
    expect(stderr).toMatch(/the report would overwrite the input|standard output is the file of the keys/);
    expect(code).toBe(2);
    expect(readFileSync(file, "utf8")).toBe("k\n");
  }
});

test("a report to an existing file keeps the mode of the file and follows a link to it", async () => {
  const file = folder.file(randomName(), "old".repeat(1000));
  chmodSync(file, 0o600);
  const link = folder.path(randomName());
  symlinkSync(file, link);
  await runCommand(["import", "--report", link], { store: "memory:", input: line });
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ totals: { applied: 1 } });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
