import { HttpProxy } from "@manykv/conformance/faults";

/** Starts a proxy in front of a DynamoDB endpoint. The proxy counts requests by operation, such as `BatchWriteItem`. */
export function startProxy(endpoint: string): Promise<HttpProxy> {
  const { hostname, port } = new URL(endpoint);
  const target = { host: hostname, port: Number(port || 80) };
  return HttpProxy.start(target, (headers) => String(headers["x-amz-target"]).split(".")[1] ?? "");
}
