import { ValueCopier } from "@manykv/core";
import type { Reply } from "./exchange.js";

/** A reply as ioredis gives it, as one to keep: its bulk strings are windows into what came from the socket. */
export function keptReply(reply: Reply): Reply {
  return Array.isArray(reply) ? keptReplies(reply) : keep(reply, new ValueCopier(1));
}

function keptReplies(replies: readonly Reply[]): readonly Reply[] {
  const copier = new ValueCopier(replies.length);
  return replies.map((reply) => keep(reply, copier));
}

function keep(reply: Reply, copier: ValueCopier): Reply {
  if (reply instanceof Uint8Array) return copier.copy(reply);
  return Array.isArray(reply) ? keptReplies(reply) : reply;
}
