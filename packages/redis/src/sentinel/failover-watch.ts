import type { Lifetime } from "../connection/lifetime.js";
import { openSocket } from "../connection/open-socket.js";
import { pause } from "../connection/pause.js";
import { Exchange } from "../connection/resp-socket.js";
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

/** Time before the store subscribes to a sentinel again, in milliseconds. */
const resubscribeAfter = 1_000;

/** Returns an exchange that lasts until the connection closes. Calls `onMessage` for each message. */
function subscription(onMessage: () => void): Exchange {
  // Messages are not kept, so their sum does not matter.
  const exchange = new Exchange(Number.POSITIVE_INFINITY, { limits: { ...shortReply, maxBytes: Infinity } });
  exchange.accept = (reply: Reply) => {
    if (reply instanceof Error) exchange.finish("lost");
    else onMessage();
  };
  return exchange;
}

/**
 * Subscribes to the failovers that each sentinel reports, until `owner` ends.
 *
 * @param onChange - called when the master may have changed, and once per subscription, because it may have changed before
 */
export function watchFailovers(sentinels: Sentinels, timeout: number, owner: Lifetime, onChange: () => void): void {
  for (const address of sentinels.addresses) void watchSentinel(sentinels, address, timeout, owner, onChange);
}

async function watchSentinel(
  sentinels: Sentinels,
  address: Address,
  timeout: number,
  owner: Lifetime,
  onChange: () => void,
): Promise<void> {
  while (!owner.ended) {
    const messages = subscription(onChange);
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
