import { type Markup, markup } from "@manykv/page";
import type { CaseFailure, CaseResult } from "../results.js";

/** Returns the list item of a case: for a failure, with everything that is known about it. */
export function caseItem(result: CaseResult, htmlId: string, icon: Markup): Markup {
  const { id, status, subject, level, title, milliseconds, reason, failure } = result;
  return markup`<li class="case" id="${htmlId}" tabindex="-1">
<h3 class="${status}">${icon} <code>${id}</code> <span class="status">${status}</span></h3>
<p>${title}</p>
${reason !== undefined && markup`<p class="reason">Skipped: ${reason}</p>`}
${failure !== undefined && failureOf(failure, result)}
<p class="meta">${subject} · ${level}${status !== "skipped" && ` · ${milliseconds} ms`}</p>
</li>\n`;
}

function failureOf({ phase, message, stack, cause, requests, fault }: CaseFailure, { id, seed }: CaseResult): Markup {
  return markup`${phase !== "run" && markup`<p class="reason">${phases[phase]}</p>`}
<pre class="message">${message}</pre>
${fault !== undefined && markup`<h4>Injected fault</h4><p>${fault}</p>`}
${requests.length > 0 && markup`<h4>Last requests to the driver</h4><pre>${requests.join("\n")}</pre>`}
${cause.length > 0 && markup`<h4>${cause.length === 1 ? "Cause" : "Causes"}</h4>${cause.map((text) => markup`<pre>${text}</pre>`)}`}
${stack !== undefined && markup`<details><summary>Stack</summary><pre>${stack}</pre></details>`}
<h4>Replay</h4>
<pre>manykv conformance TARGET --only ${id} --seed ${seed}</pre>`;
}

const phases: Readonly<Record<CaseFailure["phase"], string>> = {
  smoke: "This case runs first. It failed, so no other case ran.",
  run: "",
  cleanup: "The case passed, but its cleanup failed.",
  timeout: "The case did not end in time.",
};
