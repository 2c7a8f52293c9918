import { readFileSync } from "node:fs";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { StoreError } from "@manykv/core";
import { type Fault, FaultError } from "@manykv/core/driver";

/** Options of `tls.connect`: https://nodejs.org/api/tls.html#tlsconnectoptions-callback */
export interface RedisTlsOptions
  extends Pick<
    ConnectionOptions,
    "ca" | "cert" | "key" | "passphrase" | "servername" | "checkServerIdentity" | "rejectUnauthorized"
  > {}

const optionNames: { readonly [Name in keyof RedisTlsOptions]-?: true } = {
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
  servername: true,
  checkServerIdentity: true,
  rejectUnauthorized: true,
};

/** TLS settings of a URL: paths of PEM files, and the name that the server's certificate must have. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
}

/** Returns the option `tls`. Throws `invalid-argument` if it is not an object or has an unknown name. */
export function checkTlsOptions(tls: unknown): RedisTlsOptions | undefined {
  if (tls === undefined) return undefined;
  if (typeof tls !== "object" || tls === null)
    throw new StoreError("invalid-argument", "`tls` must be an object, such as { ca: pem }");
  const known = Object.keys(optionNames);
  const unknown = Object.keys(tls).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new StoreError("invalid-argument", `unknown option \`tls.${unknown}\`: use ${known.join(", ")}`);
  return tls as RedisTlsOptions;
}

/** Returns the contents of the files as options of `tls.connect`. */
function readTlsFiles({ ca, cert, key, servername }: TlsFiles): RedisTlsOptions {
  return {
    ...(ca !== undefined && { ca: readFileSync(ca) }),
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
    ...(servername !== undefined && { servername }),
  };
}

/** Throws `invalid-argument` if a file of the URL cannot be read, or if the files or the options are invalid. */
export function checkTls(files: TlsFiles, options: RedisTlsOptions | undefined): void {
  for (const [name, path] of Object.entries({ tls_ca: files.ca, tls_cert: files.cert, tls_key: files.key }))
    if (path !== undefined) check(() => readFileSync(path), `the file of the URL parameter "${name}" cannot be read`);
  // Node.js ignores a file without certificates and then trusts no authority.
  if (files.ca !== undefined && !readFileSync(files.ca, "latin1").includes("-----BEGIN"))
    throw new StoreError(
      "invalid-argument",
      'the file of the URL parameter "tls_ca" contains no certificate in PEM form',
    );
  check(
    () => createSecureContext({ ...options, ...readTlsFiles(files) }),
    "the TLS files of the URL or the option `tls` are invalid (certificates, keys or passphrase)",
  );
}

/** Runs an action. If it throws, throws `invalid-argument` with the text and the code of the error. */
function check(action: () => unknown, text: string): void {
  try {
    action();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StoreError("invalid-argument", code === undefined ? text : `${text}: ${code}`);
  }
}

/**
 * Reads the files again for each connection, because certificates expire and are replaced.
 *
 * @throws {FaultError} if a file can no longer be read
 */
export function currentTlsOptions(files: TlsFiles): RedisTlsOptions {
  try {
    return readTlsFiles(files);
  } catch {
    throw new FaultError(unreadable);
  }
}

const unreadable: Fault = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "a file of the URL's TLS parameters cannot be read",
});
