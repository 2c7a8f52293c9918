import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const main = fileURLToPath(import.meta.resolve("manykv").replace(/index\.js$/, "command/main.js"));
const folder = mkdtempSync(join(tmpdir(), "manykv-completion-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function scriptOf(shell: string): string {
  const path = join(folder, shell === "zsh" ? "_manykv" : `manykv.${shell}`);
  writeFileSync(path, execFileSync(process.execPath, [main, "completion", shell]));
  return path;
}

writeFileSync(join(folder, "countries.csv"), "");

const expected = [
  ["manykv ex", ["export"]],
  ["manykv import --format ", ["csv", "ndjson"]],
  ["manykv import --key-f", ["--key-field"]],
  ["manykv completion ", ["bash", "fish", "zsh"]],
  ["manykv import count", ["countries.csv"]],
  ["manykv import --report count", ["countries.csv"]],
  ["manykv import --bucket count", []],
  ["manykv get count", []],
] as const;

test.each(expected)("fish completes %j", (line, words) => {
  const script = scriptOf("fish");
  const output = execFileSync("fish", ["--no-config", "-c", `source ${script}; complete -C ${JSON.stringify(line)}`], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, HOME: folder },
  });
  expect(offered(output)).toEqual(words);
});

test.each(expected)("zsh completes %j", (line, words) => {
  scriptOf("zsh");
  const [inner, outer] = [join(folder, "inner.zsh"), join(folder, "outer.zsh")];
  // `compadd` adds the words that zsh offers, unless it only fills an array.
  writeFileSync(
    inner,
    `PROMPT=; fpath=(${folder} $fpath); autoload -U compinit; compinit -u -d ${folder}/dump; bindkey '^I' complete-word
     zstyle ':completion:*' insert-tab false
     compadd() {
       if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
       local -a matches; builtin compadd -A matches "$@"; print -lr -- $matches >> ${folder}/offered; builtin compadd "$@"
     }
     comppostfuncs=(_completed); _completed() { print > ${folder}/completed }
     print rea''dy`,
  );
  // zsh completes words only on a terminal.
  writeFileSync(
    outer,
    `zmodload zsh/zpty; rm -f ${folder}/(offered|completed)(N); touch ${folder}/offered; cd ${folder}
     zpty shell zsh -f -i; zpty -w shell 'source ${inner}'; zpty -r -m shell output '*ready*'
     zpty -n -w shell ${JSON.stringify(line)}$'\\t'
     while [[ ! -e ${folder}/completed ]] sleep 0.05
     cat ${folder}/offered`,
  );
  expect(offered(execFileSync("zsh", ["-f", outer], { encoding: "utf8" }))).toEqual(words);
});

/** Returns the words of lines that may also contain descriptions. */
function offered(output: string): string[] {
  const words = output.split("\n").map((line) => line.split("\t")[0] ?? "");
  return [...new Set(words)].filter((word) => word !== "").sort();
}
