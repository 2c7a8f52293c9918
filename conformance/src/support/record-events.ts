import { tracingChannel } from "node:diagnostics_channel";
import type { AttemptEvent, CallEvent, FenceEvent } from "@manykv/core";
import { pause } from "./settles.js";

/**
 * Runs `body` and returns the tracing events of the calls on one bucket, their attempts and fences, in order of their end.
 */
export async function recordEvents(
  bucket: string,
  body: () => Promise<void>,
): Promise<{
  readonly calls: readonly CallEvent[];
  readonly attempts: readonly AttemptEvent[];
  readonly fences: readonly FenceEvent[];
}> {
  const calls: CallEvent[] = [];
  const attempts: AttemptEvent[] = [];
  const fences: FenceEvent[] = [];
  const note =
    <Event extends { readonly bucket: string }>(events: Event[]) =>
    (event: unknown): void => {
      if ((event as Event).bucket === bucket) events.push(event as Event);
    };
  const subscriptions = [
    { channel: tracingChannel("manykv:call").asyncEnd, listener: note(calls) },
    { channel: tracingChannel("manykv:attempt").asyncEnd, listener: note(attempts) },
    { channel: tracingChannel("manykv:fence").asyncEnd, listener: note(fences) },
  ];
  for (const { channel, listener } of subscriptions) channel.subscribe(listener);
  try {
    await body();
    // The event of a call is published after its promise has settled.
    await pause(1);
  } finally {
    for (const { channel, listener } of subscriptions) channel.unsubscribe(listener);
  }
  return { calls, attempts, fences };
}
