import { fork } from "node:child_process";
import { once } from "node:events";
import type { LinkCounts, LinkOrder, LinkReply } from "./link-process.js";

/** A link to a server that holds back what the client sends, so that a round trip takes longer. */
export interface Link extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** What went over it since it was asked last. */
  counts(): Promise<LinkCounts>;
}

/**
 * Opens a link, in a process of its own: this one's event loop must not carry what it measures.
 *
 * @param delay Milliseconds that a round trip takes longer.
 */
export async function openLink(host: string, port: number, delay: number): Promise<Link> {
  const child = fork(new URL("./link-process.js", import.meta.url));
  const ask = async (order: LinkOrder): Promise<LinkReply> => {
    child.send(order);
    const [reply] = (await once(child, "message")) as [LinkReply];
    return reply;
  };
  const opened = await ask({ order: "open", host, port, delay });
  return {
    host: "127.0.0.1",
    port: opened.port,
    counts: async () => (await ask({ order: "count" })).counts,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await once(child, "exit");
    },
  };
}
