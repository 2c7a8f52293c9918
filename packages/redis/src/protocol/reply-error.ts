/** An error reply, with ioredis's name for one. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
}
