import { postgresDriver } from "@manykv/postgres";
import { redisDriver } from "@manykv/redis";

// JavaScript, because a child process of the suite imports this file too.

/**
 * Returns the driver for a URL.
 *
 * @param {string} url
 * @returns {import("@manykv/core/driver").Driver}
 */
export function driverAt(url) {
  return url.startsWith("postgres") ? postgresDriver({ url }) : redisDriver({ url });
}

/**
 * Returns the URL with another host and port.
 *
 * @param {string} url
 * @param {{ readonly host: string, readonly port: number }} address
 * @returns {string}
 */
export function withAddress(url, { host, port }) {
  return Object.assign(new URL(url), { host: `${host}:${port}` }).href;
}
