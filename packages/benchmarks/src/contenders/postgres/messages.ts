/**
 * Messages of Postgres's protocol, as far as a benchmark reads them.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
const headerBytes = 5;
const readyForQuery = Buffer.from("Z\0\0\0\x05");

/** Whether an answer that ends with these bytes is complete, outside of any transaction. */
export function endsReady(bytes: Buffer): boolean {
  const start = bytes.length - readyForQuery.length - 1;
  return start >= 0 && bytes.subarray(start, -1).equals(readyForQuery) && bytes.at(-1) === "I".charCodeAt(0);
}

/** The fields of every row in an answer. */
export function rowsOf(answer: Buffer): Buffer[][] {
  const rows: Buffer[][] = [];
  for (let start = 0; start < answer.length; ) {
    const end = start + 1 + answer.readInt32BE(start + 1);
    if (answer[start] === "E".charCodeAt(0)) throw new Error("the server answered with an error");
    if (answer[start] === "D".charCodeAt(0)) {
      rows.push(lengthAndBytes(answer, start + headerBytes + 2, answer.readInt16BE(start + headerBytes)));
    }
    start = end;
  }
  return rows;
}

/** The parameters in a message that begins with Bind. */
export function parametersOf(bind: Buffer): Buffer[] {
  const statement = bind.indexOf(0, headerBytes) + 1;
  const formats = bind.indexOf(0, statement) + 1;
  const count = formats + 2 + 2 * bind.readInt16BE(formats);
  return lengthAndBytes(bind, count + 2, bind.readInt16BE(count));
}

/** The name of the prepared statement in a message that begins with Bind. */
export function statementOf(bind: Buffer): string {
  const start = bind.indexOf(0, headerBytes) + 1;
  return bind.toString("utf8", start, bind.indexOf(0, start));
}

function lengthAndBytes(bytes: Buffer, from: number, count: number): Buffer[] {
  const fields: Buffer[] = [];
  let offset = from;
  for (let field = 0; field < count; field++) {
    const end = offset + 4 + bytes.readInt32BE(offset);
    fields.push(bytes.subarray(offset + 4, end));
    offset = end;
  }
  return fields;
}
