import type { SetRequest } from "@manykv/core";

/** A request as core makes it, without a deadline. */
export function request<Part extends Partial<SetRequest>>(part?: Part): SetRequest & Part {
  const whole: SetRequest = {
    bucket: "bucket",
    keys: [],
    values: [],
    signal: new AbortController().signal,
    deadline: Number.POSITIVE_INFINITY,
    ...part,
  };
  return whole as SetRequest & Part;
}
