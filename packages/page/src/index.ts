export { type HtmlPage, htmlPage } from "./html-page.js";
export { Markup, markup, type Part } from "./markup.js";
