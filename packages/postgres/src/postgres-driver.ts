import { isUtf8 } from "node:buffer";
import type { SwapResult } from "@manykv/core";
import {
  addToInteger,
  allDone,
  type BucketsAnswer,
  type Driver,
  type DriverDescription,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  FaultError,
  type IncrementRequest,
  type ItemFault,
  type KeysRequest,
  keyExists,
  type ListAnswer,
  type ListRequest,
  overflow,
  type PageRequest,
  type ReadAnswer,
  type ServerAddress,
  type SetRequest,
  type SwapRequest,
  type SweepAnswer,
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
import { Reclaimer } from "./table/reclaimer.js";
import { pageKeys, type Statements, statementsFor, swapStates, sweptRows, type Writes } from "./table/statements.js";
import { bucketOf, bucketPrefix, decodeCursor, encodeCursor, pageRange } from "./table/stored-key.js";

/** Stands for the bucket in the cursors of `listBuckets`. No bucket has this name. */
const allBuckets = "";

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
    return new PostgresDriver(new EmbeddedRunner(pglite, quoteTableName(table)), undefined, table);
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
  readonly #reclaimer: Reclaimer;
  /** The writes for the layout that the driver last saw. */
  #writes: Writes;
  /** Whether rows of the table may have expired, according to the last listing. */
  #mayHaveExpired = false;

  constructor(runner: Runner, server: ServerAddress | undefined, table: string, ownPool?: OwnPool) {
    this.server = server;
    this.#tableName = quoteTableName(table);
    this.#statements = statementsFor(this.#tableName);
    this.#ownPool = ownPool;
    this.#runner = runner;
    this.#reclaimer = new Reclaimer(runner, this.#statements.sweep);
    this.#writes = this.#statements.writes.expiring;
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

  async ttl(request: KeysRequest): Promise<ReadAnswer<number | null | undefined>> {
    const { bucket, keys } = request;
    const values = new Array<number | null | undefined>(keys.length).fill(undefined);
    const bound = new BoundStatement(this.#statements.ttl);
    bound.keyArray(bucketPrefix(bucket), keys);
    const lookup = bound.lookup(keys.length);
    const reading = this.#runner.read(bound, request, (row) => {
      const index = checkIndex(row.indexIn(lookup));
      const expiry = row.bigInteger();
      const left = expiry - row.bigInteger();
      values[index] = expiry === infinity ? null : Number((left + 999n) / 1000n);
    });
    await orUnsupported(reading);
    return { values };
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const { setOneWithTtl, setManyWithTtl, setManyWithTtls } = this.#statements;
    const { ttls } = request;
    const [first] = ttls ?? [];
    const stored = await (ttls === undefined
      ? this.#write(({ setOne, setMany }) => this.#set(request, setOne, setMany))
      : ttls.every((ttl) => ttl === first)
        ? this.#writeExpiring(this.#set(request, setOneWithTtl, setManyWithTtl, first))
        : this.#writeExpiring(this.#set(request, setManyWithTtls, setManyWithTtls, ttls)));
    return stored === request.keys.length ? allDone : this.#findSwallowed(request, stored);
  }

  async setIfAbsent(request: SetRequest): Promise<WriteAnswer> {
    const { values, ttls } = request;
    const { setIfAbsentWithTtls } = this.#statements;
    const unset = await (ttls === undefined
      ? this.#write(({ setIfAbsent }) => this.#findUnset(setIfAbsent, request, values))
      : this.#writeExpiring(this.#findUnset(setIfAbsentWithTtls, request, values, ttls)));
    if (unset.size === 0) return allDone;
    let faultOfOther: (index: number) => Fault = () => contended;
    if ([...unset.values()].includes(false)) {
      // Another session may have created these keys after the statement began.
      try {
        const found = await this.exists(request);
        faultOfOther = (index) => (found.values[index] ? keyExists : contended);
      } catch (error) {
        faultOfOther = () => withoutEffect(error);
      }
    }
    const faults = Array.from(unset, ([index, existed]) => ({ ...(existed ? keyExists : faultOfOther(index)), index }));
    return { faults };
  }

  async increment(request: IncrementRequest): Promise<bigint> {
    const { ttl } = request;
    let result: bigint | undefined;
    const run = (statement: Statement): Promise<unknown> => {
      const bound = new BoundStatement(statement);
      bound.text(bucketPrefix(request.bucket) + request.key);
      bound.integer(request.delta);
      if (ttl !== undefined) bound.integer(BigInt(ttl));
      return this.#runner.write(bound, request, (row) => {
        result = row.bigInteger();
      });
    };
    try {
      if (ttl === undefined) await this.#write(({ increment }) => run(increment));
      else await this.#writeExpiring(run(this.#statements.incrementWithTtl));
    } catch (error) {
      const { reason, effect } = asFaultError(error).fault;
      throw reason === outOfRange && effect === "none" ? new FaultError(overflow) : error;
    }
    if (result !== undefined) return result;
    const value = await this.#valueAfterWrite(request);
    addToInteger(value, 0n);
    throw new FaultError(value === undefined ? swallowed : { ...swallowed, effect: "unknown", fence: async () => {} });
  }

  async compareAndSwap(request: SwapRequest): Promise<SwapResult> {
    const { expected, value } = request;
    if (expected !== undefined) return this.#swap(request, expected);
    if (value !== undefined) {
      const unset = await this.#write(({ setIfAbsent }) => this.#findUnset(setIfAbsent, request, [value]));
      if (unset.size === 0) return { swapped: true };
    }
    const current = await this.#valueAfterWrite(request);
    if (current !== undefined) return { swapped: false, current };
    if (value === undefined) return { swapped: true };
    throw new FaultError(contended);
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
    const { list, listLive } = this.#statements;
    const page = this.#mayHaveExpired ? undefined : await this.#listPage(request, list);
    if (page !== undefined && page.rows > 0) return page.answer;
    const { answer } = await this.#listPage(request, listLive, (row) => {
      this.#mayHaveExpired = row.integer() === 1;
    });
    return answer;
  }

  /** Returns a page of keys and the number of rows that the server returned. */
  async #listPage(
    request: ListRequest,
    statement: Statement,
    afterKey: (row: DataRow) => void = () => {},
  ): Promise<{ readonly answer: ListAnswer; readonly rows: number }> {
    const { bucket, prefix, cursor } = request;
    const bound = new BoundStatement(statement);
    for (const bytes of pageRange(bucket, prefix, cursor)) bound.raw(bytes);
    const prefixBytes = bucketPrefix(bucket).length;
    const keys: string[] = [];
    let rows = 0;
    let next: string | undefined;
    await this.#runner.read(bound, request, (row) => {
      const key = row.view(prefixBytes);
      afterKey(row);
      if (++rows > pageKeys) return;
      // Another program may have stored rows whose keys are not valid in manykv. They must not stop the listing.
      if (key.length <= maxKeyBytes && isUtf8(key)) keys.push(key.toString());
      if (rows === pageKeys) next = encodeCursor(bucket, key);
    });
    return { answer: rows > pageKeys ? { keys, cursor: next } : { keys }, rows };
  }

  async listBuckets(request: PageRequest): Promise<BucketsAnswer> {
    const { cursor } = request;
    const bound = new BoundStatement(this.#statements.listBuckets);
    bound.raw(cursor === undefined ? Buffer.alloc(0) : decodeCursor(allBuckets, cursor));
    const buckets: string[] = [];
    let rows = 0;
    let next: string | undefined;
    await this.#runner.read(bound, request, (row) => {
      const key = row.view(0);
      const bucket = bucketOf(key);
      if (++rows > pageKeys) next = encodeCursor(allBuckets, key);
      else if (bucket !== undefined) buckets.push(bucket);
    });
    return next === undefined ? { buckets } : { buckets, cursor: next };
  }

  async sweep(request: DriverRequest): Promise<SweepAnswer> {
    let swept = 0;
    const bound = new BoundStatement(this.#statements.sweep);
    bound.integer(1n);
    try {
      await this.#runner.write(bound, request, (row) => {
        swept = row.integer();
      });
    } catch (error) {
      // Without the column, no key expires.
      if (asFaultError(error).fault.reason !== undefinedColumn) throw error;
    }
    return { swept, done: swept < sweptRows };
  }

  provision(request: DriverRequest): Promise<void> {
    return provision(this.#runner, this.#tableName, request);
  }

  async describe(request: DriverRequest): Promise<DriverDescription> {
    try {
      return await this.#runner.describe(request);
    } catch (error) {
      const { reason, retryable } = asFaultError(error).fault;
      if (this.#ownPool === undefined || reason !== readOnlyServer || retryable) throw error;
      return this.#describeStandby(this.#ownPool, request);
    }
  }

  /** Describes the only server of the URL, which the store does not use. */
  async #describeStandby(pool: OwnPool, request: DriverRequest): Promise<DriverDescription> {
    const standby = pool.forAnyServer();
    const runner = new StatementRunner(new ClientPool(standby, false, this.#tableName));
    try {
      return await runner.describe(request);
    } finally {
      await runner.close();
      await standby.close();
    }
  }

  get generation(): number {
    return this.#runner.generation;
  }

  async close(): Promise<void> {
    await this.#reclaimer.close();
    await this.#runner.close();
    await this.#ownPool?.close();
  }

  /**
   * Runs a write for the layout that the driver last saw. If the table has the other layout, for example because another
   * process has upgraded it, the server rejects the statement. The driver then runs the statement for the other layout.
   */
  async #write<Result>(attempt: (writes: Writes) => Promise<Result>): Promise<Result> {
    try {
      return await attempt(this.#writes);
    } catch (error) {
      if (asFaultError(error).fault.reason !== this.#writes.otherLayout) throw error;
      const { expiring, plain } = this.#statements.writes;
      this.#writes = this.#writes === expiring ? plain : expiring;
      return await attempt(this.#writes);
    }
  }

  /** Waits for a write with a time to live. Then lets the reclaimer delete some expired rows. */
  async #writeExpiring<Result>(writing: Promise<Result>): Promise<Result> {
    const result = await orUnsupported(writing);
    this.#reclaimer.afterWrite();
    return result;
  }

  /** Returns the number of rows that the server stored. */
  #set(
    request: SetRequest,
    one: Statement,
    many: Statement,
    ttl?: number | readonly (number | undefined)[],
  ): Promise<number | undefined> {
    const { bucket, keys, values } = request;
    const order = keyOrder(keys);
    const bound = withKeys(bucket, inOrder(keys, order), one, many);
    if (keys.length === 1) bound.raw(values[0] as Uint8Array);
    else bound.valueArray(inOrder(values, order));
    if (typeof ttl === "number") bound.integer(BigInt(ttl));
    else if (ttl !== undefined) bound.integerArray(inOrder(ttl, order));
    return this.#runner.write(bound, request);
  }

  /** Sets keys that do not exist. Returns the index of each other key, and whether it existed before the statement. */
  async #findUnset(
    statement: Statement,
    request: KeysRequest,
    values: readonly Uint8Array[],
    ttls?: readonly (number | undefined)[],
  ): Promise<ReadonlyMap<number, boolean>> {
    const { bucket, keys } = request;
    const order = keyOrder(keys);
    const bound = new BoundStatement(statement);
    bound.keyArray(bucketPrefix(bucket), inOrder(keys, order));
    bound.valueArray(inOrder(values, order));
    if (ttls !== undefined) bound.integerArray(inOrder(ttls, order));
    let lookup: KeyLookup | undefined;
    const unset = new Map<number, boolean>();
    await this.#runner.write(bound, request, (row) => {
      lookup ??= bound.lookup(keys.length);
      const place = checkIndex(row.indexIn(lookup));
      unset.set(order?.[place] ?? place, row.integer() === 1);
    });
    return unset;
  }

  /** Swaps the value of a key that must exist. */
  async #swap(request: SwapRequest, expected: Uint8Array): Promise<SwapResult> {
    const { bucket, key, value } = request;
    const { swap, swapToNothing } = this.#statements;
    const bound = new BoundStatement(value === undefined ? swapToNothing : swap);
    bound.text(bucketPrefix(bucket) + key);
    bound.raw(expected);
    if (value !== undefined) bound.raw(value);
    let state: number = swapStates.differs;
    let current: Uint8Array<ArrayBuffer> | undefined;
    await this.#runner.write(
      bound,
      request,
      (row) => {
        state = row.integer();
        current = row.bytes();
      },
      withValues(1),
    );
    if (state === swapStates.swallowed) throw new FaultError(swallowed);
    return state === swapStates.swapped ? { swapped: true } : { swapped: false, current };
  }

  /** Reads a key after a write that changed nothing. */
  async #valueAfterWrite(request: KeysRequest): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return (await this.get(request)).values[0];
    } catch (error) {
      throw new FaultError(withoutEffect(error));
    }
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

/**
 * The fault of a missing key that the server did not create: another session has created and deleted it during the
 * request, or a trigger prevents it.
 */
const contended: Fault = {
  code: "throttled",
  retryable: true,
  effect: "none",
  reason: "the key was not created: try again later, or check the triggers, rules and policies of the table",
};

/** SQLSTATEs of a statement with a column that the table lacks, and of an integer that does not fit in 64 bits. */
const undefinedColumn = "42703";
/** SQLSTATE of a server that is read-only, such as a standby. */
const readOnlyServer = "25006";
const outOfRange = "22003";

const noExpiry: Fault = {
  code: "unsupported",
  retryable: false,
  effect: "none",
  reason: "the table has no columns `expires_at` and `sweep_at`: call provision() with the role that owns the table",
};

/** The binary form of the timestamp `infinity`. */
const infinity = 2n ** 63n - 1n;

/** Translates the error of a table without the columns for expiry. */
async function orUnsupported<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw asFaultError(error).fault.reason === undefinedColumn ? new FaultError(noExpiry) : error;
  }
}

/** Returns the fault of a read that follows a write without an effect. */
function withoutEffect(error: unknown): Fault {
  return { ...asFaultError(error).fault, effect: "none", fence: undefined };
}

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
