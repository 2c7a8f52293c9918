/**
 * A statement and its messages Close, Parse and the beginning of Bind. The constructor encodes the messages.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class Statement {
  /** Identifies the statement on a connection. Without a name, the server parses and plans the statement each time. */
  readonly name: string;
  readonly text: string;
  /** Close, unless the name is empty, and Parse. The server ignores a Close of a name that it does not know. */
  readonly parse: Buffer;
  /** The beginning of Bind, up to the parameters. `BoundStatement` sets the length. All parameters are binary. */
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

/** The end of Bind, which requests binary results, followed by Execute without a row limit and Sync. */
export const trailer: Buffer = Buffer.concat([
  Buffer.from("\0\x01\0\x01"),
  message("E", "\0\0\0\0\0"),
  message("S", ""),
]);
export const bindEndBytes = 4;

/** Returns a message: a letter, the length of the message without the letter, and the body. */
function message(letter: string, body: string): Buffer {
  const bytes = Buffer.from(`${letter}\0\0\0\0${body}`);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}
