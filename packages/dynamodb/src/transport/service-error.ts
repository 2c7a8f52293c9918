import type { HttpAnswer } from "./http-post.js";

/** An error that DynamoDB answered, with the parts that the SDK's errors have and the error table reads. */
export class ServiceError extends Error {
  override readonly name: string;
  readonly $metadata: { readonly httpStatusCode: number; readonly clockSkewCorrected: boolean };

  constructor(name: string, httpStatusCode: number, clockSkewCorrected: boolean) {
    super("DynamoDB answered an error");
    this.name = name;
    this.$metadata = { httpStatusCode, clockSkewCorrected };
  }
}

/** `ThrottlingException` of `com.amazon.coral.availability#ThrottlingException:http://...` */
const typeName = /^(?:[^#:]*#)?([A-Za-z]+)/;

/** The name of an answered error: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization */
export function errorName({ headers, body }: HttpAnswer): string {
  const type = headers["x-amzn-errortype"] ?? typeIn(body);
  return typeName.exec(String(type))?.[1] ?? "";
}

function typeIn(body: Uint8Array): string {
  try {
    const { __type: type } = JSON.parse(Buffer.from(body).toString());
    return String(type);
  } catch {
    return "";
  }
}
