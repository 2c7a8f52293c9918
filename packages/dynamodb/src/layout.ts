/** Names of the attributes in which manykv stores a key and a value. All names must be different. */
export interface LayoutOptions {
  /** Name of the table's partition key, which must be a string. 1 to 255 bytes of UTF-8. Default: `k`. */
  readonly keyAttribute?: string | undefined;
  /** Name of the binary attribute that stores the value. 1 to 255 bytes of UTF-8. Default: `v`. */
  readonly valueAttribute?: string | undefined;
  /** The table's sort key, if it has one. It must be a string. Default: the table has no sort key. */
  readonly sortKey?: SortKey | undefined;
}

/** A sort key that has the same value in all items of the store. */
export interface SortKey {
  /** Name of the attribute. 1 to 255 bytes of UTF-8. */
  readonly attribute: string;
  /** Value of the attribute in each item of the store. 1 to 1,024 bytes of UTF-8. */
  readonly value: string;
}

/**
 * An item has a string, the partition key (bucket, colon, key), and a binary attribute, the value. If the table has a
 * sort key, all items have the same.
 *
 * The default names are short because they count towards an item's size and cost. The key is a string, not binary, so
 * that consoles, exports and IAM conditions (`dynamodb:LeadingKeys`) can read it. DynamoDB stores every well-formed
 * string unchanged, including U+0000, without normalization. A bucket name contains no colon, so the first colon ends
 * it.
 */
export class Layout {
  readonly keyAttribute: string;
  readonly valueAttribute: string;
  readonly sortKey: SortKey | undefined;
  /** JSON of the members that name the attributes `#k` and `#s` in an expression, and that select them. */
  readonly selectKeys: string;
  /** Like `selectKeys`, and selects the value `#v`. */
  readonly selectItems: string;
  readonly #keyStart: string;
  readonly #valueStart: string;

  constructor({ keyAttribute = "k", valueAttribute = "v", sortKey }: LayoutOptions) {
    this.keyAttribute = keyAttribute;
    this.valueAttribute = valueAttribute;
    this.sortKey = sortKey;
    this.#keyStart = `{${JSON.stringify(keyAttribute)}:{"S":`;
    this.#valueStart = `,${JSON.stringify(valueAttribute)}:{"B":"`;
    const keys = { "#k": keyAttribute, ...(sortKey && { "#s": sortKey.attribute }) };
    this.selectKeys = select(keys);
    this.selectItems = select({ ...keys, "#v": valueAttribute });
  }

  /** Returns the JSON of a key, such as `{"k":{"S":"users:alice"}}`. */
  keyJson(partitionKey: string, sortValue?: string): string {
    return `${this.#keyStart}${JSON.stringify(partitionKey)}}${this.#sortKeyJson(sortValue)}}`;
  }

  /** Returns the JSON of an item, such as `{"k":{"S":"users:alice"},"v":{"B":"AQI="}}`. */
  itemJson(partitionKey: string, value: Uint8Array): string {
    const key = `${this.#keyStart}${JSON.stringify(partitionKey)}}${this.#sortKeyJson()}`;
    return `${key}${this.#valueStart}${encodeValue(value)}"}}`;
  }

  /** Returns the members of a Scan that filter the items of one bucket. */
  filterJson(prefix: string): string {
    const filter = this.sortKey === undefined ? "begins_with(#k,:p)" : "begins_with(#k,:p) AND #s = :s";
    const sortValue = this.sortKey === undefined ? "" : `,":s":${stringJson(this.sortKey.value)}`;
    return `"FilterExpression":"${filter}","ExpressionAttributeValues":{":p":${stringJson(prefix)}${sortValue}}`;
  }

  #sortKeyJson(value?: string): string {
    if (this.sortKey === undefined) return "";
    return `,${JSON.stringify(this.sortKey.attribute)}:${stringJson(value ?? this.sortKey.value)}`;
  }
}

function stringJson(text: string): string {
  return `{"S":${JSON.stringify(text)}}`;
}

function select(names: object): string {
  const expression = Object.keys(names).join();
  return `"ExpressionAttributeNames":${JSON.stringify(names)},"ProjectionExpression":"${expression}"`;
}

/** Returns the prefix of all partition keys of a bucket. No partition key of another bucket has this prefix. */
export function bucketPrefix(bucket: string): string {
  return `${bucket}:`;
}

export function encodeValue(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
}
