import {
  allDone,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type ReadAnswer,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core";
import type { Database } from "../connection/database.js";
import { limits } from "../limits.js";
import { valueArray } from "../protocol/byte-array.js";
import type { DataRow } from "../protocol/data-row.js";
import type { Statement } from "../protocol/exchange.js";
import { keyArray } from "../protocol/key-array.js";
import { KeyLookup } from "../protocol/key-lookup.js";
import { MalformedAnswer } from "../protocol/malformed-answer.js";
import { integerParameter, rawParameter } from "../protocol/parameter.js";
import { keyOrder } from "./key-order.js";
import { bucketEnd, bucketPrefix } from "./key-space.js";
import { openCursor, sealCursor } from "./list-cursor.js";
import { type Statements, statementsFor } from "./statements.js";

/** Keys on one page of a listing. */
const pageKeys = 1_000;

/** What is done to one table. */
export class Table {
  readonly #database: Database;
  readonly #statements: Statements;

  /** @param name Quoted, as it stands in SQL. */
  constructor(database: Database, name: string) {
    this.#database = database;
    this.#statements = statementsFor(name);
  }

  async get(request: KeysRequest): Promise<ReadAnswer<Uint8Array | undefined>> {
    const values = new Array<Uint8Array | undefined>(request.keys.length).fill(undefined);
    await this.#find(this.#statements.get, request, (index, row) => {
      values[index] = row.bytes();
    });
    return { values };
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const values = new Array<boolean>(request.keys.length).fill(false);
    await this.#find(this.#statements.exists, request, (index) => {
      values[index] = true;
    });
    return { values };
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const { bucket, keys, values } = request;
    const order = keyOrder(keys);
    const parameters = [keyArray(bucketPrefix(bucket), keys, order), valueArray(values, order)];
    await this.#database.write(this.#statements.set, parameters, request);
    return allDone;
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    const { bucket, keys } = request;
    await this.#database.write(
      this.#statements.delete,
      [keyArray(bucketPrefix(bucket), keys, undefined)],
      request,
    );
    return allDone;
  }

  /** One page: keys in the order of their bytes, from behind the last one of the page before. */
  async list(request: ListRequest): Promise<ListAnswer> {
    const { bucket, cursor } = request;
    const prefix = Buffer.from(bucketPrefix(bucket));
    const from = cursor === undefined ? prefix : behind(prefix, openCursor(cursor, limits.maxKeyBytes));
    const keys: string[] = [];
    await this.#database.read(
      this.#statements.list,
      [rawParameter(from), rawParameter(bucketEnd(bucket)), integerParameter(pageKeys + 1)],
      request,
      (row) => keys.push(row.text(prefix.length)),
    );
    if (keys.length <= pageKeys) return { keys };
    keys.length = pageKeys;
    return { keys, cursor: sealCursor(keys[pageKeys - 1] as string) };
  }

  /** Calls `onFound` for each key that is there, with its index in the request. */
  async #find(
    statement: Statement,
    request: KeysRequest,
    onFound: (index: number, row: DataRow) => void,
  ): Promise<void> {
    const { bucket, keys } = request;
    const lookup = new KeyLookup(bucketPrefix(bucket), keys);
    await this.#database.read(statement, [lookup], request, (row) => {
      const index = row.placeIn(lookup);
      if (index < 0) throw new MalformedAnswer();
      onFound(index, row);
    });
  }
}

const zero = Buffer.alloc(1);

/** The first bytes that come behind a key. */
function behind(prefix: Buffer, key: Buffer): Buffer {
  return Buffer.concat([prefix, key, zero]);
}
