import type { StoreDescription } from "@manykv/core";

/**
 * Returns a name for the store of a URL: the scheme, the servers and the path. A user, a password and the parameters are not
 * part of the name.
 */
export function nameOfUrl(url: string): string {
  const [address = ""] = url.split(/[?#]/, 1);
  const [, scheme = "", rest = ""] = /^([^:]*:(?:\/\/)?)(.*)$/s.exec(address) ?? [];
  return scheme + rest.slice(rest.lastIndexOf("@") + 1);
}

/** Returns short names for tables and charts: the names of the products. */
export function labelsOf(deployments: readonly { readonly description: StoreDescription }[]): string[] {
  return unique(deployments.map(({ description: { product, driver } }) => product ?? driver));
}

/** Adds numbers to names that occur more than once. */
export function unique(names: readonly string[]): string[] {
  return names.map((name, index) => {
    if (names.indexOf(name) === names.lastIndexOf(name)) return name;
    return `${name} ${names.slice(0, index + 1).filter((each) => each === name).length}`;
  });
}
