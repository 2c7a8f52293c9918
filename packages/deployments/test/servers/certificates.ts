import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** PEM files of a private certificate authority, of a server and of a client that it has certified. */
export interface Certificates extends AsyncDisposable {
  readonly authority: string;
  readonly server: { readonly certificate: string; readonly key: string };
  readonly client: { readonly certificate: string; readonly key: string };
}

/** Creates certificates. The server's certificate names only `serverName`. */
export function createCertificates(serverName: string): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "manykv-certificates-"));
  const path = (name: string): string => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-subj", "/CN=Private CA", "-keyout", path("ca.key"), "-out", path("ca.pem"));
  const certify = (name: string, extension: string): { certificate: string; key: string } => {
    openssl("req", ...key, "-subj", `/CN=${name}`, "-keyout", path(`${name}.key`), "-out", path(`${name}.csr`));
    writeFileSync(path(`${name}.ext`), extension);
    const signer = ["-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "2"];
    openssl(
      ...["x509", "-req", "-in", path(`${name}.csr`), ...signer],
      ...["-extfile", path(`${name}.ext`), "-out", path(`${name}.pem`)],
    );
    return { certificate: path(`${name}.pem`), key: path(`${name}.key`) };
  };
  return {
    authority: path("ca.pem"),
    server: certify("server", `subjectAltName = DNS:${serverName}`),
    client: certify("client", "extendedKeyUsage = clientAuth"),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}
