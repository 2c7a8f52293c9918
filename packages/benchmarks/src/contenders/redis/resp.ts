/** A Redis command as the bytes that go over the wire. https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export function commandBytes(parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.flatMap(bulk)]);
}

/** The reply to MGET. */
export function valuesReply(values: readonly (Uint8Array | undefined)[]): Buffer {
  return Buffer.concat([
    Buffer.from(`*${values.length}\r\n`),
    ...values.flatMap((value) => (value === undefined ? [missing] : bulk(value))),
  ]);
}

const missing = Buffer.from("$-1\r\n");
const lineEnd = Buffer.from("\r\n");

function bulk(part: string | Uint8Array): Uint8Array[] {
  const bytes = typeof part === "string" ? Buffer.from(part) : part;
  return [Buffer.from(`$${bytes.length}\r\n`), bytes, lineEnd];
}

/** The values in a reply to MGET. */
export function parseValues(reply: Buffer): (Uint8Array | undefined)[] {
  const values: (Uint8Array | undefined)[] = [];
  let position = reply.indexOf(lineEnd) + 2;
  while (position < reply.length) {
    const end = reply.indexOf(lineEnd, position);
    const length = Number(reply.toString("latin1", position + 1, end));
    position = end + 2;
    if (length < 0) values.push(undefined);
    else {
      values.push(reply.subarray(position, position + length));
      position += length + 2;
    }
  }
  return values;
}
