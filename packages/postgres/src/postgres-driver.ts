import {
  allDone,
  type Driver,
  type DriverLimits,
  type DriverRequest,
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
import { checkDriverOptions, type PostgresDriverOptions, quoteTableName, refuse } from "./options.js";
import { BoundStatement } from "./protocol/bound-statement.js";
import type { DataRow } from "./protocol/data-row.js";
import { MalformedReply } from "./protocol/message-reader.js";
import type { Statement } from "./protocol/statement.js";
import { inOrder, keyOrder } from "./table/key-order.js";
import { provision } from "./table/provision.js";
import { pageKeys, type Statements, statementsFor } from "./table/statements.js";
import { bucketEnd, bucketPrefix, encodeCursor, pageStart } from "./table/stored-key.js";

/**
 * Returns the driver of {@link postgresStore}, for `createStore` and for tools that wrap a driver. Opens no connection.
 *
 * @throws {StoreError} `invalid-argument` if an option is unknown, missing or invalid. The message names the option.
 */
export function postgresDriver(options: PostgresDriverOptions): Driver {
  checkDriverOptions(options);
  if (options.pool !== undefined) {
    const { pool, table = "manykv", prepare = true } = options;
    return new PostgresDriver(pool, serverOfPool(pool), table, prepare);
  }
  const { url, password } = options;
  const settings = readConnectionUrl(url);
  if (password !== undefined && settings.hasPassword) {
    throw refuse("`url` must have no password if you pass the option `password`");
  }
  const { table = settings.table, prepare = settings.prepare } = options;
  return new PostgresDriver(new OwnPool(settings, password), settings.server, table, prepare);
}

class PostgresDriver implements Driver {
  readonly name = "postgres";
  readonly limits: DriverLimits = limits;
  readonly classify: Driver["classify"] = classify;
  readonly server: ServerAddress | undefined;
  readonly #ownPool: OwnPool | undefined;
  readonly #runner: StatementRunner;
  readonly #tableName: string;
  readonly #statements: Statements;

  constructor(pool: Pool | OwnPool, server: ServerAddress | undefined, table: string, prepare: boolean) {
    this.server = server;
    this.#tableName = quoteTableName(table);
    this.#statements = statementsFor(this.#tableName);
    if (pool instanceof OwnPool) this.#ownPool = pool;
    this.#runner = new StatementRunner(new ClientPool(pool, prepare));
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
    const { setOne, setMany } = this.#statements;
    const order = keyOrder(keys);
    const bound = withKeys(bucket, inOrder(keys, order), setOne, setMany);
    if (keys.length === 1) bound.raw(values[0] as Uint8Array);
    else bound.valueArray(inOrder(values, order));
    await this.#runner.write(bound, request);
    return allDone;
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    const { deleteOne, deleteMany } = this.#statements;
    await this.#runner.write(withKeys(request.bucket, request.keys, deleteOne, deleteMany), request);
    return allDone;
  }

  /** Returns one page of keys, in the order of their UTF-8 bytes. */
  async list(request: ListRequest): Promise<ListAnswer> {
    const { bucket, cursor } = request;
    const bound = new BoundStatement(this.#statements.list);
    bound.raw(pageStart(bucket, cursor, maxKeyBytes));
    bound.raw(bucketEnd(bucket));
    const prefixBytes = bucketPrefix(bucket).length;
    const keys: string[] = [];
    await this.#runner.read(bound, request, (row) => keys.push(row.text(prefixBytes)));
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

  /** Looks up the keys. Calls `onFound` for each key that exists, with the key's index in the request. */
  async #find(
    request: KeysRequest,
    one: Statement,
    many: Statement,
    onFound: (index: number, row: DataRow) => void,
  ): Promise<void> {
    const { bucket, keys } = request;
    const bound = withKeys(bucket, keys, one, many);
    if (keys.length === 1) return this.#runner.read(bound, request, (row) => onFound(0, row));
    const lookup = bound.lookup(keys.length);
    await this.#runner.read(bound, request, (row) => {
      const index = row.indexIn(lookup);
      if (index < 0) throw new MalformedReply();
      onFound(index, row);
    });
  }
}

/** Chooses the statement for one or many keys, and binds the keys as its first parameter. */
function withKeys(bucket: string, keys: readonly string[], one: Statement, many: Statement): BoundStatement {
  const bound = new BoundStatement(keys.length === 1 ? one : many);
  if (keys.length === 1) bound.text(bucketPrefix(bucket) + keys[0]);
  else bound.keyArray(bucketPrefix(bucket), keys);
  return bound;
}
