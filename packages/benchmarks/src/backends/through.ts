import type { Link } from "../distance/link.js";

/** The same address, over a link. */
export function through(url: string, { host, port }: Link): string {
  const far = new URL(url);
  far.hostname = host;
  far.port = `${port}`;
  return far.href;
}
