/** What came is not what the protocol allows: where the next reply begins nobody knows. Holds nothing of what came. */
export class MalformedReply extends Error {
  override readonly name = "MalformedReply";
}
