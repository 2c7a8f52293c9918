import type { Argument, Command, Option } from "commander";

/** The scripts that complete the words of a command line, by shell. They need no process to complete a word. */
export const completionScripts: Readonly<Record<"bash" | "zsh" | "fish", (program: Command) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** What can follow an option or be an argument: one of these words, a file, or something that no shell can know. */
type Values = readonly string[] | "file" | "unknown";

interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly {
    readonly names: readonly string[];
    readonly description: string;
    /** `undefined` if the option has no value. */
    readonly values: Values | undefined;
    readonly placeholder: string;
  }[];
  readonly argument: Values;
}

function subcommandsOf(program: Command): readonly Subcommand[] {
  const help = program.createHelp();
  return help.visibleCommands(program).map((command) => ({
    name: command.name(),
    summary: help.subcommandDescription(command),
    options: help.visibleOptions(command).map((option) => ({
      names: [option.short, option.long].filter((name) => name !== undefined),
      description: option.description,
      values: option.required ? valuesOf(option, option.flags) : undefined,
      placeholder: /[<[](.*?)(\.\.\.)?[>\]]/.exec(option.flags)?.[1] ?? "",
    })),
    argument: argumentOf(program, command),
  }));
}

function argumentOf(program: Command, command: Command): Values {
  if (command.name() === "help") return program.commands.map((each) => each.name());
  const [argument] = command.registeredArguments;
  return argument === undefined ? [] : valuesOf(argument, argument.name());
}

function valuesOf({ argChoices }: Option | Argument, names: string): Values {
  return argChoices ?? (/\b(file|module|target|component)/.test(names) ? "file" : "unknown");
}

function bashScript(program: Command): string {
  const subcommands = subcommandsOf(program);
  const words = (list: readonly string[]): string => `COMPREPLY=($(compgen -W ${quote(list.join(" "))} -- "$word"))`;
  // Without a reply, `complete -o default` completes the names of files.
  const complete = (values: Values): string =>
    values === "file" ? ":" : values === "unknown" ? "compopt +o default" : words(values);
  const cases = subcommands.map(({ name, options, argument }) => {
    const valued = options.filter(({ values }) => values !== undefined);
    return `    ${name})
      case $previous in
${valued.map(({ names, values = [] }) => `        ${names.join("|")}) ${complete(values)}; return ;;\n`).join("")}      esac
      if [[ $word == -* ]]; then ${words(options.flatMap(({ names }) => names))}
      else ${complete(argument)}
      fi ;;
`;
  });
  return `# Completion for bash. To use it, add this line to ~/.bashrc: source <(manykv completion bash)
_manykv() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  # bash splits --format=csv into three words.
  if [[ $word == = ]]; then word=
  elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then ${words(subcommands.map(({ name }) => name))}; return; fi
  case \${COMP_WORDS[1]} in
${cases.join("")}  esac
}
complete -o default -F _manykv manykv
`;
}

function zshScript(program: Command): string {
  const subcommands = subcommandsOf(program);
  const action = (values: Values): string =>
    values === "file" ? "_files" : values === "unknown" ? " " : `(${values.join(" ")})`;
  const specification = ({ names, description, values, placeholder }: Subcommand["options"][number]): string => {
    const text = `[${escapeZsh(description)}]`;
    const value = values === undefined ? "" : `:${placeholder}:${action(values)}`;
    return names.map((name) => quote(`${name}${text}${value}`)).join(" ");
  };
  const cases = subcommands.map(
    ({ name, options, argument }) =>
      `    ${name}) _arguments -s ${options.map(specification).join(" ")} ${quote(`*:argument:${action(argument)}`)} ;;\n`,
  );
  const list = subcommands.map(({ name, summary }) => quote(`${name}:${summary}`));
  return `#compdef manykv
# Completion for zsh. To use it, add this line to ~/.zshrc after compinit: source <(manykv completion zsh)
_manykv() {
  local -a subcommands=(${list.join(" ")})
  if ((CURRENT == 2)); then _describe subcommand subcommands; return; fi
  local subcommand=$words[2]
  shift words
  ((CURRENT--))
  case $subcommand in
${cases.join("")}  esac
}
# If zsh has loaded this file as the function, the first completion must call what the file has just defined.
if [[ $funcstack[1] == _manykv ]]; then _manykv "$@"; else compdef _manykv manykv; fi
`;
}

function escapeZsh(text: string): string {
  return text.replace(/[[\]:\\]/g, "\\$&");
}

function fishScript(program: Command): string {
  const subcommands = subcommandsOf(program);
  const lines = subcommands.flatMap(({ name, summary, options, argument }) => {
    const first = `complete -c manykv -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`;
    const line = `complete -c manykv -n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
    const named = options.map(({ names, description, values }) => {
      const flags = names.map((each) => (each.startsWith("--") ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`));
      return `${line} ${flags.join(" ")}${fishValues(values)} -d ${quote(description)}`;
    });
    return [first, argument === "file" ? `${line} -F` : `${line} -f${fishWords(argument)}`, ...named];
  });
  return `# Completion for fish. To use it, run: manykv completion fish > ~/.config/fish/completions/manykv.fish
${lines.join("\n")}
`;
}

function fishValues(values: Values | undefined): string {
  if (values === undefined) return "";
  return values === "file" ? " -r -F" : ` -x${fishWords(values)}`;
}

function fishWords(values: Values): string {
  return Array.isArray(values) && values.length > 0 ? ` -a ${quote(values.join(" "))}` : "";
}

/** Quotes a text for bash, zsh and fish. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\"'\"'")}'`;
}
