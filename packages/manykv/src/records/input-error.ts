/** Input that cannot be read as records at all. */
export class InputError extends Error {
  override readonly name: string = "InputError";
}
