interface Address {
  readonly host: string;
  readonly port: number;
}

/** Returns the address of the server in a URL. */
export function addressOf(url: string): Address {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port || 5432) };
}
