import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { createServer } from "node:tls";

/** For `localhost`, vouched for by itself alone. Made for these tests: it protects nothing. */
export const certificate = `
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUY9OXMw/YfnOCfVSlHAt0JUIuaOQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzA4MjA0MVoYDzIxMjYxMDMw
MDgyMDQxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASMmCCEnTf204E3MEMC9t6oQ8V3UTgmhRMPqT0+CqtxgOUMRPKN041O
cLI10NQn6pQhDqg9RALPPACFrXQpjSZco28wbTAdBgNVHQ4EFgQUTAgZ4SjQPMXf
+rq1d0xRkQZE6RkwHwYDVR0jBBgwFoAUTAgZ4SjQPMXf+rq1d0xRkQZE6RkwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgFm7LIh9HsYQWxYRXrVcqVVA9B6Ju8GIFRvbbNz5O46ICIQCm
1yakb/zn7chQFvhComgKNhcFmZgsHvz/A6Yh4drEFw==
-----END CERTIFICATE-----
`.trim();

const key = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRw4IJFeqM0vnOrY9
ulVTo+M/pUJFe0cl7ToewahHy6KhRANCAASMmCCEnTf204E3MEMC9t6oQ8V3UTgm
hRMPqT0+CqtxgOUMRPKN041OcLI10NQn6pQhDqg9RALPPACFrXQpjSZc
-----END PRIVATE KEY-----
`.trim();

/** Speaks TLS before a server that does not. */
export async function startTlsProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer({ cert: certificate, key }, (client) => {
    const upstream = connect(target);
    client.on("error", () => {}).on("close", () => upstream.destroy());
    upstream.on("error", () => {}).on("close", () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}
