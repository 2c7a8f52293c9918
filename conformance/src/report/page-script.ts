import { Markup } from "@manykv/page";

/**
 * Opens the dialog that the address names, as a modal one, and closes the others. The browser then handles the Escape key
 * and returns the focus to the cell.
 */
export const pageScript: Markup = new Markup(`
document.documentElement.classList.remove("no-script");
const dialogOf = (hash) => document.querySelector("dialog[id='" + CSS.escape(hash.slice(1)) + "']");
function show(hash, caseId) {
  const dialog = dialogOf(hash);
  for (const other of document.querySelectorAll("dialog[open]")) if (other !== dialog) other.close();
  if (dialog === null || dialog.open) return;
  dialog.showModal();
  dialog.scrollTop = 0;
  const one = document.getElementById(caseId ?? "");
  one?.scrollIntoView();
  one?.focus({ preventScroll: true });
}
addEventListener("hashchange", () => show(location.hash));
addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#cases-']");
  if (link !== null) {
    event.preventDefault();
    show(link.hash, link.dataset.case);
  }
  // A click on the backdrop has the dialog itself as its target.
  if (event.target.localName === "dialog") event.target.close();
});
show(location.hash);
`);
