import { createHash, createHmac } from "node:crypto";

/** As the SDK's credential providers give them. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SigningScope {
  readonly region: string;
  readonly service: string;
}

/** A POST without query, and its headers in lower case, `host` among them; all of them are signed. */
export interface UnsignedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export type SignedHeaders = Readonly<Record<string, string>> & { readonly authorization: string };

/**
 * Signs requests with AWS Signature Version 4:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export class Signer {
  #key: { readonly id: string; readonly secret: string; readonly bytes: Buffer } | undefined;

  /** The request's headers with those that sign it. */
  sign(request: UnsignedRequest, credentials: Credentials, scope: SigningScope, time: Date): SignedHeaders {
    const timestamp = time.toISOString().replace(/[-:]|\.\d{3}/g, "");
    const scopeText = `${timestamp.slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`;
    const headers: Record<string, string> = { ...request.headers, "x-amz-date": timestamp };
    if (credentials.sessionToken !== undefined) headers["x-amz-security-token"] = credentials.sessionToken;
    const names = Object.keys(headers).sort();
    const signedHeaders = names.join(";");
    const canonicalRequest = [
      "POST",
      encodeURIComponent(request.path).replaceAll("%2F", "/"),
      "",
      ...names.map((name) => `${name}:${headers[name]?.trim().replace(/ +/g, " ")}`),
      "",
      signedHeaders,
      sha256(request.body),
    ].join("\n");
    const text = ["AWS4-HMAC-SHA256", timestamp, scopeText, sha256(canonicalRequest)].join("\n");
    const signature = createHmac("sha256", this.#keyFor(credentials, scopeText)).update(text).digest("hex");
    const credential = `Credential=${credentials.accessKeyId}/${scopeText}`;
    const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
    return { ...headers, authorization };
  }

  /** The same for all requests of a day with the same credentials. */
  #keyFor({ secretAccessKey: secret }: Credentials, scopeText: string): Buffer {
    if (this.#key?.id !== scopeText || this.#key.secret !== secret) {
      const start = Buffer.from(`AWS4${secret}`);
      const bytes = scopeText
        .split("/")
        .reduce((key, part) => createHmac("sha256", key).update(part).digest(), start);
      this.#key = { id: scopeText, secret, bytes };
    }
    return this.#key.bytes;
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
