/** Names of the attributes in which manykv stores a key, its value and its expiry. All names must be different. */
export interface LayoutOptions {
  /** Name of the table's partition key, which must be a string. 1 to 255 bytes of UTF-8. Default: `k`. */
  readonly keyAttribute?: string | undefined;
  /** Name of the binary attribute that stores the value. 1 to 255 bytes of UTF-8. Default: `v`. */
  readonly valueAttribute?: string | undefined;
  /** Name of the numeric attribute that stores the value of a counter. 1 to 255 bytes of UTF-8. Default: `n`. */
  readonly counterAttribute?: string | undefined;
  /** Name of the attribute that stores when a key expires, in milliseconds. 1 to 255 bytes of UTF-8. Default: `e`. */
  readonly expiryAttribute?: string | undefined;
  /**
   * Name of the attribute that stores when a key expires, in seconds, for DynamoDB's own TTL. `provision()` enables TTL for
   * this attribute. DynamoDB then deletes every item of the table whose time in it has passed, including items of other
   * programs. 1 to 255 bytes of UTF-8. Default: `manykv_ttl`.
   */
  readonly ttlAttribute?: string | undefined;
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

/** The default of each option that names an attribute of all tables. */
export const defaultNames = {
  keyAttribute: "k",
  valueAttribute: "v",
  counterAttribute: "n",
  expiryAttribute: "e",
  ttlAttribute: "manykv_ttl",
} as const;

/** The values in an expression, such as `{ ":now": { N: "1" } }`. */
export type Values = Readonly<Record<string, { readonly [type: string]: string }>>;

/** Condition of an expression: the key does not exist or has expired. Uses `:now`. */
export const isAbsent = "attribute_not_exists(#k) OR #e <= :now";
/** Condition of an expression: an existing key has not expired. Uses `:now`. */
export const isLive = "(attribute_not_exists(#e) OR #e > :now)";

/**
 * An item has a string, the partition key (bucket, colon, key), and the value: a binary attribute, or a number after an
 * increment. Only an item that expires has two more numbers. If the table has a sort key, all items have the same.
 *
 * The default names are short because they count towards an item's size and cost. Only the name for DynamoDB's TTL is
 * longer, because DynamoDB also deletes items of other programs that use this name. The key is a string, not binary, so
 * that consoles, exports and IAM conditions (`dynamodb:LeadingKeys`) can read it. DynamoDB stores every well-formed
 * string unchanged, including U+0000, without normalization. A bucket name contains no colon, so the first colon ends
 * it.
 */
export class Layout {
  readonly keyAttribute: string;
  readonly valueAttribute: string;
  readonly counterAttribute: string;
  readonly expiryAttribute: string;
  readonly ttlAttribute: string;
  readonly sortKey: SortKey | undefined;
  /** JSON of the members that select the key and the expiry of items. */
  readonly selectExpiries: string;
  /** Like `selectExpiries`, and selects the value. */
  readonly selectItems: string;
  readonly #names: Readonly<Record<string, string>>;
  readonly #keyStart: string;
  readonly #valueStart: string;

  constructor(options: LayoutOptions) {
    const { keyAttribute = defaultNames.keyAttribute, valueAttribute = defaultNames.valueAttribute, sortKey } = options;
    this.keyAttribute = keyAttribute;
    this.valueAttribute = valueAttribute;
    this.counterAttribute = options.counterAttribute ?? defaultNames.counterAttribute;
    this.expiryAttribute = options.expiryAttribute ?? defaultNames.expiryAttribute;
    this.ttlAttribute = options.ttlAttribute ?? defaultNames.ttlAttribute;
    this.sortKey = sortKey;
    this.#names = {
      "#k": keyAttribute,
      "#v": valueAttribute,
      "#n": this.counterAttribute,
      "#e": this.expiryAttribute,
      "#t": this.ttlAttribute,
      ...(sortKey && { "#s": sortKey.attribute }),
    };
    this.#keyStart = `{${JSON.stringify(keyAttribute)}:{"S":`;
    this.#valueStart = `,${JSON.stringify(valueAttribute)}:{"B":"`;
    this.selectExpiries = this.#select(`${this.#keys},#e`);
    this.selectItems = this.#select(`${this.#keys},#e,#v,#n`);
  }

  /** Returns the JSON of a key, such as `{"k":{"S":"users:alice"}}`. */
  keyJson(partitionKey: string, sortValue?: string): string {
    return `${this.#keyStart}${JSON.stringify(partitionKey)}}${this.#sortKeyJson(sortValue)}}`;
  }

  /**
   * Returns the JSON of an item, such as `{"k":{"S":"users:alice"},"v":{"B":"AQI="}}`.
   *
   * @param expiry - when the key expires, in milliseconds since 1970. Default: never
   */
  itemJson(partitionKey: string, value: Uint8Array, expiry?: number): string {
    const key = `${this.#keyStart}${JSON.stringify(partitionKey)}}${this.#sortKeyJson()}`;
    return `${key}${this.#valueStart}${encodeValue(value)}"}${this.#expiryJson(expiry)}}`;
  }

  /** Returns the JSON of an item whose value is a counter. */
  counterJson(partitionKey: string, value: bigint, expiry?: number): string {
    const counter = `${JSON.stringify(this.counterAttribute)}:${JSON.stringify(numberValue(value))}`;
    return `${this.keyJson(partitionKey).slice(0, -1)},${counter}${this.#expiryJson(expiry)}}`;
  }

  /** Returns the member that defines the names, such as `#k`, in expressions. DynamoDB rejects unused names. */
  namesJson(expressions: string): string {
    const used = new Set(expressions.match(/#[a-z]/g));
    const names = Object.entries(this.#names).filter(([name]) => used.has(name));
    return `"ExpressionAttributeNames":${JSON.stringify(Object.fromEntries(names))}`;
  }

  /**
   * Returns the members of a Scan that returns the keys of live items of the store.
   *
   * @param prefix - only partition keys that start with this string. Default: all
   */
  scanJson(now: number, prefix?: string): string {
    const conditions = [isLive];
    const values: Record<string, unknown> = { ":now": numberValue(now) };
    if (prefix !== undefined) {
      conditions.push("begins_with(#k,:p)");
      values[":p"] = { S: prefix };
    }
    if (this.sortKey !== undefined) {
      conditions.push("#s = :s");
      values[":s"] = { S: this.sortKey.value };
    }
    const filter = conditions.join(" AND ");
    const members = { ProjectionExpression: this.#keys, FilterExpression: filter, ExpressionAttributeValues: values };
    return `${this.namesJson(this.#keys + filter)},${JSON.stringify(members).slice(1, -1)}`;
  }

  get #keys(): string {
    return this.sortKey === undefined ? "#k" : "#k,#s";
  }

  #select(names: string): string {
    return `${this.namesJson(names)},"ProjectionExpression":"${names}"`;
  }

  #expiryJson(expiry: number | undefined): string {
    if (expiry === undefined) return "";
    const { ":e": milliseconds, ":t": seconds } = expiryValues(expiry);
    const attributes = { [this.expiryAttribute]: milliseconds, [this.ttlAttribute]: seconds };
    return `,${JSON.stringify(attributes).slice(1, -1)}`;
  }

  #sortKeyJson(value?: string): string {
    if (this.sortKey === undefined) return "";
    return `,${JSON.stringify(this.sortKey.attribute)}:${JSON.stringify({ S: value ?? this.sortKey.value })}`;
  }
}

/** Returns the values of the two expiry attributes. Rounds the seconds up, so that DynamoDB deletes no live item. */
export function expiryValues(expiry: number): Record<":e" | ":t", { readonly N: string }> {
  return { ":e": numberValue(expiry), ":t": numberValue(Math.ceil(expiry / 1_000)) };
}

export function numberValue(number: number | bigint): { readonly N: string } {
  return { N: String(number) };
}

/** Returns the prefix of all partition keys of a bucket. No partition key of another bucket has this prefix. */
export function bucketPrefix(bucket: string): string {
  return `${bucket}:`;
}

export function encodeValue(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
}
