import {
  allDone,
  type Driver,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type ReadAnswer,
  type ServerAddress,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import type { Pool } from "pg";
import { ClientPool } from "./connection/client-pool.js";
import { readConnectionUrl, serverOfPool } from "./connection/connection-url.js";
import { OwnPool } from "./connection/own-pool.js";
import { StatementRunner } from "./connection/statement-runner.js";
import { classify } from "./error-table.js";
import { limits, maxKeyBytes } from "./limits.js";
import { checkDriverOptions, type PostgresDriverOptions } from "./options.js";
import type { DataRow } from "./protocol/data-row.js";
import { KeyLookup } from "./protocol/key-lookup.js";
import { MalformedReply } from "./protocol/message-reader.js";
import { Parameters } from "./protocol/parameters.js";
import type { Statement } from "./protocol/statement.js";
import { keyOrder } from "./table/key-order.js";
import { provision } from "./table/provision.js";
import { type Statements, statementsFor } from "./table/statements.js";
import { bucketEnd, bucketPrefix, encodeCursor, pageStart } from "./table/stored-key.js";
import { quoteTableName } from "./table/table-name.js";

/** Keys on one page of a listing. */
const pageKeys = 1_000;

/**
 * The driver of {@link postgresStore}, for `createStore` and for tools that wrap a driver.
 *
 * @throws {StoreError} `invalid-argument`, naming the option.
 */
export function postgresDriver(options: PostgresDriverOptions): Driver {
  checkDriverOptions(options);
  const { pool, url, table } = options;
  if (pool !== undefined) return new PostgresDriver(pool, serverOfPool(pool), table === undefined ? "manykv" : table);
  const read = readConnectionUrl(url);
  return new PostgresDriver(new OwnPool(read.config), read.server, table === undefined ? read.table : table);
}

class PostgresDriver implements Driver {
  readonly name = "postgres";
  readonly limits: DriverLimits = limits;
  readonly server: ServerAddress | undefined;
  readonly #ownPool: OwnPool | undefined;
  readonly #runner: StatementRunner;
  readonly #tableName: string;
  readonly #statements: Statements;

  constructor(pool: Pool | OwnPool, server: ServerAddress | undefined, table: string) {
    this.server = server;
    this.#tableName = quoteTableName(table);
    this.#statements = statementsFor(this.#tableName);
    if (pool instanceof OwnPool) this.#ownPool = pool;
    this.#runner = new StatementRunner(new ClientPool(pool));
  }

  async get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    const values = new Array<Uint8Array<ArrayBuffer> | undefined>(request.keys.length).fill(undefined);
    const { getOne, getMany } = this.#statements;
    await this.#find(request, getOne, getMany, (index, row) => {
      values[index] = row.bytes();
    });
    return { values };
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const values = new Array<boolean>(request.keys.length).fill(false);
    const { existsOne, existsMany } = this.#statements;
    await this.#find(request, existsOne, existsMany, (index) => {
      values[index] = true;
    });
    return { values };
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const { bucket, keys, values } = request;
    const prefix = bucketPrefix(bucket);
    const statement = keys.length === 1 ? this.#statements.setOne : this.#statements.setMany;
    const parameters = new Parameters(statement);
    if (keys.length === 1) {
      parameters.text(prefix + keys[0]);
      parameters.raw(values[0] as Uint8Array);
    } else {
      const order = keyOrder(keys);
      parameters.keyArray(prefix, keys, order);
      parameters.valueArray(values, order);
    }
    await this.#runner.write(statement, parameters, request);
    return allDone;
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    const { bucket, keys } = request;
    const prefix = bucketPrefix(bucket);
    const statement = keys.length === 1 ? this.#statements.deleteOne : this.#statements.deleteMany;
    const parameters = new Parameters(statement);
    if (keys.length === 1) parameters.text(prefix + keys[0]);
    else parameters.keyArray(prefix, keys);
    await this.#runner.write(statement, parameters, request);
    return allDone;
  }

  /** Returns keys in the order of their bytes. */
  async list(request: ListRequest): Promise<ListAnswer> {
    const { bucket, cursor } = request;
    const { list } = this.#statements;
    const parameters = new Parameters(list);
    parameters.raw(pageStart(bucket, cursor, maxKeyBytes));
    parameters.raw(bucketEnd(bucket));
    parameters.integer(pageKeys + 1);
    const prefixBytes = bucketPrefix(bucket).length;
    const keys: string[] = [];
    await this.#runner.read(list, parameters, request, (row) => keys.push(row.text(prefixBytes)));
    if (keys.length <= pageKeys) return { keys };
    keys.length = pageKeys;
    return { keys, cursor: encodeCursor(keys[pageKeys - 1] as string) };
  }

  provision(request: DriverRequest): Promise<void> {
    return provision(this.#runner, this.#tableName, request);
  }

  async close(): Promise<void> {
    await this.#ownPool?.close();
  }

  classify(error: unknown): Fault {
    return classify(error);
  }

  /** Calls `onFound` for each key that exists, with its index in the request. */
  async #find(
    request: KeysRequest,
    one: Statement,
    many: Statement,
    onFound: (index: number, row: DataRow) => void,
  ): Promise<void> {
    const { bucket, keys } = request;
    const prefix = bucketPrefix(bucket);
    const statement = keys.length === 1 ? one : many;
    const parameters = new Parameters(statement);
    if (keys.length === 1) {
      parameters.text(prefix + keys[0]);
      return this.#runner.read(statement, parameters, request, (row) => onFound(0, row));
    }
    const start = parameters.keyArray(prefix, keys);
    const lookup = new KeyLookup(parameters.bytes, start, keys.length);
    await this.#runner.read(statement, parameters, request, (row) => {
      const index = row.indexIn(lookup);
      if (index < 0) throw new MalformedReply();
      onFound(index, row);
    });
  }
}
