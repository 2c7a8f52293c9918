import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, test } from "vitest";
import { createProgram } from "../../src/command/program.js";
import { runCommand } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
folder.file("countries.csv", "");

describe("bash", () => {
  let script = "";
  beforeAll(async () => {
    script = folder.file("manykv.bash", (await runCommand(["completion", "bash"])).stdout);
  });

  /** Returns what bash offers for the last of these words. An empty list means the names of files, unless `noFiles`. */
  function complete(...words: string[]): { readonly words: string[]; readonly noFiles: boolean } {
    const code = `
      source ${script}; source ${script}
      compopt() { noFiles=1; }
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      _manykv
      printf '%s\\n' "\${COMPREPLY[@]}" "$noFiles"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", code, "bash", "manykv", ...words], { encoding: "utf8" });
    expect(stderr).toBe("");
    const lines = stdout.split("\n").slice(0, -1);
    return { noFiles: lines.pop() === "1", words: lines.filter((line) => line !== "") };
  }

  test.each([
    [["ex"], ["export"]],
    [
      ["import", "--format", ""],
      ["ndjson", "csv"],
    ],
    [["import", "-f", "n"], ["ndjson"]],
    [["import", "--format", "=", "c"], ["csv"]],
    [
      ["import", "--format", "="],
      ["ndjson", "csv"],
    ],
    [["import", "--key-f"], ["--key-field"]],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["help", "prov"], ["provision"]],
  ])("%j", (words, expected) => {
    expect(complete(...words).words).toEqual(expected);
  });

  test.each([
    [["import", ""], false],
    [["import", "--report", ""], false],
    [["import", "--bucket", ""], true],
    [["get", ""], true],
  ])("%j: without names of files: %s", (words, noFiles) => {
    expect(complete(...words)).toEqual({ words: [], noFiles });
  });

  test("every subcommand and every option is offered", () => {
    const program = createProgram(
      "0.0.0",
      (run) =>
        async (...parameters) =>
          void (await run(...parameters)),
    );
    expect(complete("").words.toSorted()).toEqual([...program.commands.map((each) => each.name()), "help"].toSorted());
    for (const command of program.commands) {
      const options = command.options.flatMap(({ short, long }) => [short, long].filter((name) => name !== undefined));
      expect(complete(command.name(), "-").words, command.name()).toEqual(expect.arrayContaining(options));
    }
  });
});

test("an unknown shell is a usage error that names the shells", async () => {
  const { code, stderr } = await runCommand(["completion", "tcsh"]);
  expect(code).toBe(2);
  expect(stderr).toContain("bash, zsh, fish");
});

describe("suggestions", () => {
  test.each([
    [["imprt"], "(Did you mean import?)"],
    [["exprot"], "(Did you mean export?)"],
    [["list", "--bukcet", "b"], "(Did you mean --bucket?)"],
    [["export", "--fromat", "csv"], "(Did you mean --format?)"],
  ])("%j: %s", async (args, suggestion) => {
    const { code, stderr } = await runCommand(args);
    expect(code).toBe(2);
    expect(stderr).toContain(suggestion);
  });

  test.each([[["clear", "--keys", "a"]], [["migrate"]], [["ls"]], [["import", "--from", "3"]]])(
    "%j has none, because nothing is close",
    async (args) => {
      const { code, stderr } = await runCommand(args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: unknown (command|option) '/);
      expect(stderr).not.toContain("Did you mean");
    },
  );
});
