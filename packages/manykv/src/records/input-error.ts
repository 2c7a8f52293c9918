/** Input that cannot be read as records at all. */
export class InputError extends Error {
  override readonly name: string = "InputError";
}

/** Refuses a start beyond the end of the input. One just at its end is where an input goes on of which all is done. */
export function refuseStartBeyond(records: number, fromRecord: number): void {
  if (fromRecord <= records + 1) return;
  const has = `the input has only ${records} record${records === 1 ? "" : "s"}`;
  throw new InputError(`${has}, which --from-record ${fromRecord} is beyond`);
}
