/** The server, or whatever stands in for it, sent what the protocol does not allow. */
export class MalformedAnswer extends Error {
  override readonly name: string = "MalformedAnswer";

  constructor() {
    super("the server sent what the protocol does not allow");
  }
}
