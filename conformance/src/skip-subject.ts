import { cases } from "./cases/index.js";
import type { Subject } from "./conformance-case.js";

/**
 * Returns a `skip` for a harness that leaves out all cases with this subject. If you run the suite against several
 * configurations of a driver, only one of them has to run the cases about core, because core is the same in all of them.
 *
 * @param reason - why the cases are left out. The suite prints it for each case.
 */
export function skipSubject(subject: Subject, reason: string): Record<string, string> {
  const chosen = cases.filter((each) => each.subject === subject);
  return Object.fromEntries(chosen.map(({ id }) => [id, reason]));
}
