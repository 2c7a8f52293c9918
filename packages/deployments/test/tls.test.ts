import { startDedicatedRedis } from "@manykv/test-services";
import { freePort } from "@manykv/test-services/process";
import { afterAll } from "vitest";
import { createCertificates } from "./servers/certificates.js";
import { startStunnel } from "./servers/stunnel.js";
import { conforms } from "./support/conforms.js";
import { describesLateWrites } from "./support/late-writes.js";
import { behindStunnel } from "./support/skips.js";

// The certificate names a host that differs from the address, as behind a load balancer.
const serverName = "redis.internal";
const certificates = createCertificates(serverName);
const { authority, server, client } = certificates;
const tlsPort = await freePort();
const redis = await startDedicatedRedis({
  // The TLS port of a container would not be reachable.
  source: "process",
  args: [
    ...["--tls-port", `${tlsPort}`, "--tls-auth-clients", "yes", "--tls-ca-cert-file", authority],
    ...["--tls-cert-file", server.certificate, "--tls-key-file", server.key],
  ],
});
const stunnel = await startStunnel(redis, certificates);
afterAll(async () => {
  await stunnel[Symbol.asyncDispose]();
  await redis.stop();
  await certificates[Symbol.asyncDispose]();
});

const trust = `tls_ca=${encodeURIComponent(authority)}&tls_server_name=${serverName}`;
const clientCertificate = `tls_cert=${encodeURIComponent(client.certificate)}&tls_key=${encodeURIComponent(client.key)}`;

for (const deployment of [
  {
    name: "redis with TLS, a private CA and client certificates",
    url: `rediss://${redis.host}:${tlsPort}?${trust}&${clientCertificate}`,
    server: { host: redis.host, port: tlsPort },
  },
  {
    name: "redis behind stunnel with a private CA",
    url: `rediss://${stunnel.host}:${stunnel.port}?${trust}`,
    server: stunnel,
    skip: behindStunnel,
  },
]) {
  conforms(deployment);
  describesLateWrites(deployment, { product: "redis", topology: "single", settles: true });
}
