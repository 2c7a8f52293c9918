/**
 * A statement, and the messages that announce it to the server, encoded once.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class Statement {
  /** Identifies the statement on a connection. Without a name it is parsed and planned anew each time. */
  readonly name: string;
  readonly text: string;
  /** Closes any statement of this name, then parses this one. The server ignores a Close of an unknown name. */
  readonly parse: Buffer;
  /** The beginning of Bind, up to the parameters; its length is still missing. All parameters are binary. */
  readonly bind: Buffer;
  #unnamed: Statement | undefined;

  constructor(text: string, name = "") {
    this.name = name;
    this.text = text;
    const parse = message("P", `${name}\0${text}\0\0\0`);
    this.parse = name === "" ? parse : Buffer.concat([message("C", `S${name}\0`), parse]);
    this.bind = message("B", `\0${name}\0\0\x01\0\x01`);
  }

  /** The same statement without a name. */
  get unnamed(): Statement {
    if (this.name === "") return this;
    this.#unnamed ??= new Statement(this.text);
    return this.#unnamed;
  }
}

/** The end of Bind: results are binary too. Then Execute without a row limit, and Sync. */
export const trailer: Buffer = Buffer.concat([
  Buffer.from("\0\x01\0\x01"),
  message("E", "\0\0\0\0\0"),
  message("S", ""),
]);
export const bindEndBytes = 4;

/** A message consists of a letter, its length without the letter, and its body. */
function message(letter: string, body: string): Buffer {
  const bytes = Buffer.from(`${letter}\0\0\0\0${body}`);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}
