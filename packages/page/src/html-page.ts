import { createHash } from "node:crypto";
import { baseStyle } from "./base-style.js";
import { Markup, markup } from "./markup.js";

export interface HtmlPage {
  readonly title: string;
  /** Style of this page, in addition to the style that all pages share. */
  readonly style: Markup;
  /** Must remove the class `no-script` from the root element, with which the page starts if it has a script. */
  readonly script?: Markup;
  readonly body: Markup;
}

/**
 * Returns an HTML page that contains everything that it shows. Its policy permits exactly the style and the script of the
 * page, and forbids the browser to load anything.
 */
export function htmlPage({ title, style: ownStyle, script, body }: HtmlPage): string {
  const style = new Markup(baseStyle.text + ownStyle.text);
  return `${
    markup`<!doctype html>
<html lang="en"${script !== undefined && markup` class="no-script"`}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policyOf(style, script)}">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
${body}
${script !== undefined && markup`<script>${script}</script>`}
</body>
</html>`.text
  }\n`;
}

function policyOf(style: Markup, script: Markup | undefined): string {
  const scripts = script === undefined ? "" : ` script-src '${hashOf(script.text)}';`;
  return `default-src 'none'; img-src data:; style-src '${hashOf(style.text)}';${scripts} base-uri 'none'`;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
