import { isUtf8 } from "node:buffer";
import {
  allDone,
  type Driver,
  type DriverDescription,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  FaultError,
  type ItemFault,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type ReadAnswer,
  type ServerAddress,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import { ClientPool } from "./connection/client-pool.js";
import { readConnectionUrl, serverOfPool } from "./connection/connection-url.js";
import { EmbeddedRunner } from "./connection/embedded-runner.js";
import { OwnPool } from "./connection/own-pool.js";
import { type Runner, StatementRunner } from "./connection/statement-runner.js";
import { asFaultError, classify } from "./error-table.js";
import { limits, maxKeyBytes } from "./limits.js";
import { checkDriverOptions, type PostgresDriverOptions, quoteTableName, refuse } from "./options.js";
import { BoundStatement } from "./protocol/bound-statement.js";
import type { DataRow } from "./protocol/data-row.js";
import type { KeyLookup } from "./protocol/key-lookup.js";
import { MalformedReply } from "./protocol/message-reader.js";
import { type ReplyLimit, withValues } from "./protocol/reply-limit.js";
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
  const checked = checkDriverOptions(options);
  const { pool, pglite, url, password } = checked;
  if (pglite !== undefined) {
    const { table = "manykv" } = checked;
    return new PostgresDriver(new EmbeddedRunner(pglite), undefined, table);
  }
  if (pool !== undefined) {
    const { table = "manykv", prepare = true } = checked;
    return new PostgresDriver(
      new StatementRunner(new ClientPool(pool, prepare, quoteTableName(table))),
      serverOfPool(pool),
      table,
    );
  }
  const settings = readConnectionUrl(url);
  if (password !== undefined && settings.hasPassword) {
    throw refuse("`url` must have no password if you pass the option `password`");
  }
  const { table = settings.table, prepare = settings.prepare } = checked;
  const own = new OwnPool(settings, password);
  return new PostgresDriver(
    new StatementRunner(new ClientPool(own, prepare, quoteTableName(table))),
    settings.server,
    table,
    own,
  );
}

class PostgresDriver implements Driver {
  readonly name = "postgres";
  readonly limits: DriverLimits = limits;
  readonly classify: Driver["classify"] = classify;
  readonly server: ServerAddress | undefined;
  readonly #ownPool: OwnPool | undefined;
  readonly #runner: Runner;
  readonly #tableName: string;
  readonly #statements: Statements;

  constructor(runner: Runner, server: ServerAddress | undefined, table: string, ownPool?: OwnPool) {
    this.server = server;
    this.#tableName = quoteTableName(table);
    this.#statements = statementsFor(this.#tableName);
    this.#ownPool = ownPool;
    this.#runner = runner;
  }

  async get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    const values = new Array<Uint8Array<ArrayBuffer> | undefined>(request.keys.length).fill(undefined);
    const { getOne, getMany } = this.#statements;
    await this.#find(
      request,
      getOne,
      getMany,
      (index, row) => {
        if (values[index] !== undefined) throw new FaultError(severalRows);
        values[index] = row.bytes();
      },
      withValues(request.keys.length),
    );
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
    const stored = await this.#runner.write(bound, request);
    return stored === keys.length ? allDone : this.#findSwallowed(request, stored);
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    const { bucket, keys } = request;
    if (keys.length === 1) {
      let isLeft = false;
      const bound = new BoundStatement(this.#statements.deleteOne);
      bound.text(bucketPrefix(bucket) + keys[0]);
      await this.#runner.write(bound, request, () => {
        isLeft = true;
      });
      if (!isLeft) return allDone;
      // Another session may have deleted the key at the same time. The statement for many keys is exact.
    }
    const bound = new BoundStatement(this.#statements.deleteMany);
    bound.keyArray(bucketPrefix(bucket), keys);
    let lookup: KeyLookup | undefined;
    const faults: ItemFault[] = [];
    await this.#runner.write(bound, request, (row) => {
      lookup ??= bound.lookup(keys.length);
      faults.push({ ...swallowed, index: checkIndex(row.indexIn(lookup)) });
    });
    return faults.length === 0 ? allDone : { faults };
  }

  /** Returns one page of keys, in the order of their UTF-8 bytes. */
  async list(request: ListRequest): Promise<ListAnswer> {
    const { bucket, cursor } = request;
    const bound = new BoundStatement(this.#statements.list);
    bound.raw(pageStart(bucket, cursor));
    bound.raw(bucketEnd(bucket));
    const prefixBytes = bucketPrefix(bucket).length;
    const keys: string[] = [];
    let rows = 0;
    let next: string | undefined;
    await this.#runner.read(bound, request, (row) => {
      const key = row.view(prefixBytes);
      if (++rows > pageKeys) return;
      // Another program may have stored rows whose keys are not valid in manykv. They must not stop the listing.
      if (key.length <= maxKeyBytes && isUtf8(key)) keys.push(key.toString());
      if (rows === pageKeys) next = encodeCursor(key);
    });
    return rows > pageKeys ? { keys, cursor: next } : { keys };
  }

  provision(request: DriverRequest): Promise<void> {
    return provision(this.#runner, this.#tableName, request);
  }

  describe(request: DriverRequest): Promise<DriverDescription> {
    return this.#runner.describe(request);
  }

  get generation(): number {
    return this.#runner.generation;
  }

  async close(): Promise<void> {
    await this.#runner.close();
    await this.#ownPool?.close();
  }

  /**
   * Reads the keys back after the server stored fewer rows than the set has keys, because a trigger or a rule of the
   * table swallowed the others. A key is stored if it has the value that was set.
   *
   * @param stored - the number of rows that the server stored, if it is known
   */
  async #findSwallowed(request: SetRequest, stored: number | undefined): Promise<WriteAnswer> {
    const { keys, values } = request;
    let found: ReadAnswer<Uint8Array | undefined>;
    try {
      found = await this.get(request);
    } catch (error) {
      // The set has ended, so nothing takes effect later.
      throw new FaultError({ ...asFaultError(error).fault, effect: "unknown", fence: async () => {} });
    }
    const differing = [...keys.keys()].filter((index) => {
      const value = found.values[index];
      return value === undefined || Buffer.compare(value, values[index] as Uint8Array) !== 0;
    });
    // If more keys differ than the server swallowed, another writer has changed some of them since the set.
    const certain = stored !== undefined && differing.length <= keys.length - stored;
    const fault: Fault = certain ? swallowed : { ...swallowed, effect: "unknown", fence: async () => {} };
    return { faults: differing.map((index) => ({ ...fault, index })) };
  }

  /** Looks up the keys. Calls `onFound` for each key that exists, with the key's index in the request. */
  async #find(
    request: KeysRequest,
    one: Statement,
    many: Statement,
    onFound: (index: number, row: DataRow) => void,
    limit?: ReplyLimit,
  ): Promise<void> {
    const { bucket, keys } = request;
    const bound = withKeys(bucket, keys, one, many);
    if (keys.length === 1) return this.#runner.read(bound, request, (row) => onFound(0, row), limit);
    const lookup = bound.lookup(keys.length);
    await this.#runner.read(
      bound,
      request,
      (row) => {
        onFound(checkIndex(row.indexIn(lookup)), row);
      },
      limit,
    );
  }
}

/** The fault of a key for which the server acknowledged the statement without changing the table. */
const swallowed: Fault = {
  code: "invalid-argument",
  retryable: false,
  effect: "none",
  reason: "the table did not change: check its triggers, rules and policies",
};

/** The fault of a read that finds two rows for one key, so the value is ambiguous. */
const severalRows: Fault = {
  code: "invalid-argument",
  retryable: false,
  effect: "none",
  reason: "the table has several rows for one key: it needs a unique index on `key`, and no child tables",
};

/** Returns the index of a key in the request. Throws if the server returned a key that the request does not contain. */
function checkIndex(index: number): number {
  if (index < 0) throw new MalformedReply();
  return index;
}

/** Chooses the statement for one or many keys, and binds the keys as its first parameter. */
function withKeys(bucket: string, keys: readonly string[], one: Statement, many: Statement): BoundStatement {
  const bound = new BoundStatement(keys.length === 1 ? one : many);
  if (keys.length === 1) bound.text(bucketPrefix(bucket) + keys[0]);
  else bound.keyArray(bucketPrefix(bucket), keys);
  return bound;
}
