import { fork } from "node:child_process";
import { once } from "node:events";
import type { LinkCounts } from "./link-process.js";

/** A proxy in front of a server. The proxy delays requests, so that round trips take longer. */
export interface Link extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Returns the numbers of round trips since the previous call or, on the first call, since the link was opened. */
  counts(): Promise<LinkCounts>;
}

/** Opens a link in a separate process, so that it does not slow down this one. `delay` is in milliseconds. */
export async function openLink(host: string, port: number, delay: number): Promise<Link> {
  const child = fork(new URL("./link-process.js", import.meta.url), [host, `${port}`, `${delay}`]);
  const [ownPort] = (await once(child, "message")) as [number];
  return {
    host: "127.0.0.1",
    port: ownPort,
    counts: async () => {
      child.send("count");
      const [counts] = (await once(child, "message")) as [LinkCounts];
      return counts;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await once(child, "exit");
    },
  };
}
