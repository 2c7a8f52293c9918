/** The client is not one of the kind that can be used: pg's own, in JavaScript, of a version that works as known. */
export class UnsupportedClient extends Error {
  override readonly name: string = "UnsupportedClient";
}
