import type { Finding } from "@manykv/core";
import type { Lifetime } from "../connection/lifetime.js";
import { openSocket } from "../connection/open-socket.js";
import { pause } from "../connection/pause.js";
import { Exchange } from "../connection/resp-socket.js";
import { faultOfReply } from "../error-table.js";
import { encodeCommand } from "../protocol/encode-command.js";
import type { Reply } from "../protocol/reply.js";
import { shortReply } from "../protocol/reply-limits.js";
import type { Address } from "../redis-url.js";
import type { Sentinels } from "./find-master.js";

/**
 * The messages of a failover. Sentinels publish the first one when the new master accepts writes, and the second one
 * when they have told all replicas. The old master accepts writes for ten seconds longer if it still runs.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#pubsub-messages
 */
const subscribe = encodeCommand("SUBSCRIBE", "+promoted-slave", "+switch-master");

/** The finding about a sentinel that does not permit {@link subscribe}. */
export const cannotSubscribe: Finding = Object.freeze({
  code: "cannot-subscribe",
  severity: "warning",
  message:
    "A sentinel does not permit SUBSCRIBE, so the store notices a failover only when the old master closes the " +
    "connection or becomes a replica. Permit SUBSCRIBE and the channels +promoted-slave and +switch-master in the ACL.",
});

/** Time before the store subscribes to a sentinel again, in milliseconds. */
const resubscribeAfter = 1_000;

/** Returns an exchange that lasts until the connection closes. Calls a function for each message or refusal. */
function subscription(onMessage: () => void, onRefused: () => void): Exchange {
  // Messages are not kept, so their sum does not matter.
  const exchange = new Exchange(Number.POSITIVE_INFINITY, { limits: { ...shortReply, maxBytes: Infinity } });
  exchange.accept = (reply: Reply) => {
    if (!(reply instanceof Error)) return onMessage();
    if (faultOfReply(reply).code !== "unavailable") onRefused();
    exchange.finish("lost");
  };
  return exchange;
}

/** What a store does with the news of the sentinels. */
export interface FailoverListener {
  /** Called when the master may have changed, and when a subscription begins, because it may have changed before. */
  onChange(): void;
  /** Called when a sentinel does not permit the subscription. The store then does not subscribe to it again. */
  onRefused(): void;
}

/** Subscribes to the failovers that each sentinel reports, until `owner` ends. */
export function watchFailovers(
  sentinels: Sentinels,
  timeout: number,
  owner: Lifetime,
  listener: FailoverListener,
): void {
  for (const address of sentinels.addresses) void watchSentinel(sentinels, address, timeout, owner, listener);
}

async function watchSentinel(
  sentinels: Sentinels,
  address: Address,
  timeout: number,
  owner: Lifetime,
  listener: FailoverListener,
): Promise<void> {
  let isRefused = false;
  while (!owner.ended && !isRefused) {
    const messages = subscription(listener.onChange, () => {
      isRefused = true;
      listener.onRefused();
    });
    await openSocket(sentinels.source(address), timeout, owner, async (socket) => {
      socket.send(subscribe, messages);
      return socket;
    })
      .then((socket) => messages.ended.then(() => socket.destroy()))
      // The sentinel cannot be reached. The others report failovers too.
      .catch(() => {});
    await pause(owner, resubscribeAfter);
  }
}
