/**
 * Task of a fresh process that `bench cold` starts. The process reads two keys with one client. Then the process prints
 * the time at which it received the result, in nanoseconds of the machine's monotonic clock, and the number of keys
 * that it found. The process loads only the modules that it needs.
 */
export interface ColdTask {
  readonly program: "manykv" | "ioredis" | "pg" | "sdk" | "empty";
  /** URL of the server; for `manykv`, a URL that `openStore` accepts. Unused by `empty`. */
  readonly url: string;
  /** Name of the bucket (`manykv`) or the table (`pg`, `sdk`). Unused by the other programs. */
  readonly name: string;
  readonly keys: readonly [string, string];
}

const task = JSON.parse(process.argv[2] ?? "{}") as ColdTask;
const { program, url, name, keys } = task;

const programs: { readonly [program in ColdTask["program"]]: () => Promise<number> } = {
  async manykv() {
    const { openStore } = await import("manykv");
    const store = await openStore(url);
    const bucket = await store.open(name);
    const found = await bucket.getMany(keys);
    return found.filter((pair) => pair !== undefined).length;
  },
  async ioredis() {
    const { Redis } = await import("ioredis");
    const found = await new Redis(url).mgetBuffer(...keys);
    return found.filter((value) => value !== null).length;
  },
  async pg() {
    const { default: pg } = await import("pg");
    const pool = new pg.Pool({ connectionString: url });
    const { rows } = await pool.query(`SELECT key, value FROM ${name} WHERE key = ANY($1)`, [keys]);
    return rows.length;
  },
  async sdk() {
    const { BatchGetItemCommand, DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const client = new DynamoDBClient({ endpoint: url });
    const { Responses } = await client.send(
      new BatchGetItemCommand({
        RequestItems: { [name]: { Keys: keys.map((key) => ({ k: { S: key } })), ConsistentRead: true } },
      }),
    );
    return Responses?.[name]?.length ?? 0;
  },
  empty: async () => 0,
};

const found = await programs[program]();
const answered = process.hrtime.bigint();
process.stdout.write(`${answered} ${found}\n`, () => process.exit());
