/** HTML or XML text. Only {@link markup} creates it, so whatever it contains besides tags is escaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template can contain. Text is escaped, and `undefined` and `false` are omitted. */
export type Part = Markup | string | number | undefined | false | readonly Part[];

/** Template tag for HTML and XML. Escapes text for element contents and for attributes in double quotes. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.map((string, index) => string + textOf(parts[index])).join(""));
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Markup) return part.text;
  return Array.isArray(part) ? part.map(textOf).join("") : escapeText(String(part));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  // XML parsers would replace it with a line feed.
  "\r": "&#13;",
};

/** Escapes text. XML cannot represent some characters, so these appear as in a JavaScript string, such as `\u0007`. */
function escapeText(text: string): string {
  return text
    .replaceAll(/[&<>"'\r]/g, (character) => entities[character] as string)
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, (character) => {
      const code = character.codePointAt(0) as number;
      return `\\u${code.toString(16).padStart(4, "0")}`;
    });
}
