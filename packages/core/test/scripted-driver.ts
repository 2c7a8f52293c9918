import {
  allDone,
  type Driver,
  type Fault,
  type KeysRequest,
  type ListAnswer,
  type ReadAnswer,
  type SetRequest,
  type WriteAnswer,
} from "../src/driver.js";

type Step<Request, Answer> = (request: Request, apply: (request: Request) => Answer) => Answer | Promise<Answer>;

/** An error that the scripted driver translates to the error's `fault`. */
export class Scripted extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super("a fault that the test injected");
    this.fault = fault;
  }
}

/** An in-memory driver. A test can replace its responses one by one, to inject faults into core. */
export class ScriptedDriver implements Driver {
  readonly name = "scripted";
  limits = {
    maxValueBytes: 4096,
    get: { maxKeys: 1000, maxBytes: 1_000_000 },
    set: { maxKeys: 1000, maxBytes: 1_000_000 },
    delete: { maxKeys: 1000, maxBytes: 1_000_000 },
    concurrency: 4,
  };
  readonly data: Map<string, Uint8Array<ArrayBuffer>> = new Map();
  readonly requests: { kind: string; keys: readonly string[] }[] = [];
  closed = 0;
  /** Each function handles one write, in order. Later writes succeed. */
  readonly writes: Step<SetRequest, WriteAnswer>[] = [];
  readonly reads: Step<KeysRequest, ReadAnswer<Uint8Array<ArrayBuffer> | undefined>>[] = [];
  readonly lists: (() => Promise<ListAnswer>)[] = [];

  async get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    this.requests.push({ kind: "get", keys: request.keys });
    const apply = ({ keys, bucket }: KeysRequest) => ({
      values: keys.map((key) => this.data.get(`${bucket}:${key}`)),
    });
    return (this.reads.shift() ?? ((sent) => apply(sent)))(request, apply);
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    this.requests.push({ kind: "set", keys: request.keys });
    return this.#write(request, ({ keys, values, bucket }) => {
      keys.forEach((key, index) => {
        this.data.set(`${bucket}:${key}`, new Uint8Array(values[index] as Uint8Array));
      });
      return allDone;
    });
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    this.requests.push({ kind: "delete", keys: request.keys });
    return this.#write(request as SetRequest, ({ keys, bucket }) => {
      for (const key of keys) this.data.delete(`${bucket}:${key}`);
      return allDone;
    });
  }

  async list(): Promise<ListAnswer> {
    return (this.lists.shift() ?? (async () => ({ keys: [] })))();
  }

  async close(): Promise<void> {
    this.closed++;
  }

  classify(error: unknown): Fault {
    return error instanceof Scripted ? error.fault : { code: "internal", retryable: false, effect: "unknown" };
  }

  #write(request: SetRequest, apply: (request: SetRequest) => WriteAnswer): WriteAnswer | Promise<WriteAnswer> {
    return (this.writes.shift() ?? ((sent) => apply(sent)))(request, apply);
  }
}

export const never = <Answer>(): Promise<Answer> => new Promise<Answer>(() => {});
