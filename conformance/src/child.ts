/**
 * The program that the suite runs in a child process. Import this entry only in the file that a harness's `child`
 * names.
 */
export { type ChildDriver, runChild } from "./child/run-child.js";
