import { createHash } from "node:crypto";

/**
 * Returns a text that identifies the store of a URL: the URL in one form, without user, password and other secrets, which may
 * change between two runs of a copy. Different texts may still stand for the same store, such as two names of one host.
 */
export function storeIdentity(url: string): string {
  const [, scheme = "", address = "", query = ""] = /^([^:]+):(?:\/\/)?([^?]*)\??(.*)$/s.exec(url) ?? [];
  const backend = scheme
    .toLowerCase()
    .replace(/^valkey/, "redis")
    .replace(/^postgresql$/, "postgres");
  const [, hosts = "", path = ""] = /^([^/]*)(.*)$/s.exec(address.slice(address.lastIndexOf("@") + 1)) ?? [];
  const places = hosts.toLowerCase().split(",").map(canonicalHost).sort();
  const parameters = query.split("&").filter((parameter) => parameter !== "" && !ignoredParameter.test(parameter));
  return `${backend}://${places.join(",")}${path.replace(/\/0?$/, "")}?${parameters.sort().join("&")}`;
}

/** A host without the default port of its backend. */
function canonicalHost(host: string): string {
  return host.replace(/:(6379|26379|5432)$/, "").replace(/^localhost(?=:|$)/, "127.0.0.1");
}

/** Secrets, and a parameter that has its default value. */
const ignoredParameter = /^[^=]*(user|password|secret|token)|^(table=manykv|db=0)$/i;

/** Returns a hash of the values, as a name for a copy. */
export function hashOf(values: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(values)).digest("hex");
}
