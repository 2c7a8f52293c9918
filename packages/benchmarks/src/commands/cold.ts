import { spawn } from "node:child_process";
import { once } from "node:events";
import { DeleteTableCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { figures, inTurn, ratio, spread, textTable } from "@manykv/measure";
import { startDynamodb, startPostgres, startRedis } from "@manykv/test-services";
import { Redis } from "ioredis";
import { openStore } from "manykv";
import pg from "pg";
import { type BackendName, ScratchTables } from "../backends/backend.js";
import { uniqueName } from "../contenders/common.js";
import { createTable } from "../contenders/dynamodb.js";
import { type Row, row } from "../report.js";
import type { ColdTask } from "./cold-process.js";

/** Two programs to compare. Each program starts, reads two keys and exits, except that `empty` reads nothing. */
interface ColdPair extends AsyncDisposable {
  readonly server: string;
  readonly manykv: ColdTask;
  readonly other: ColdTask;
  /** Environment variables for both processes. */
  readonly env?: { readonly [name: string]: string };
}

const keys = ["user-1", "user-2"] as const;
const values = [new Uint8Array(100).fill(1), new Uint8Array(100).fill(2)] as const;
const entries = [
  [keys[0], values[0]],
  [keys[1], values[1]],
] as const;

const bars = { redis: 1.25, postgres: 1.25, dynamodb: 1.1, memory: 15 } as const;
const titles = { redis: "Redis", postgres: "Postgres", dynamodb: "DynamoDB", memory: "memory" } as const;

type ColdBackend = keyof typeof bars;

const pairs: { readonly [backend in ColdBackend]: () => Promise<ColdPair> } = {
  memory: async () => ({
    server: "no server",
    manykv: { program: "manykv", url: "memory:", name: "cold", keys },
    other: { program: "empty", url: "", name: "", keys },
    [Symbol.asyncDispose]: async () => {},
  }),
  async redis() {
    const service = await startRedis({ print: console.error });
    const bucket = uniqueName();
    await fill(service.url, bucket);
    const client = new Redis(service.url);
    const own = keys.map((key) => `${bucket}:raw:${key}`) as [string, string];
    await client.mset(own[0], Buffer.from(values[0]), own[1], Buffer.from(values[1]));
    return {
      server: service.description,
      manykv: { program: "manykv", url: service.url, name: bucket, keys },
      other: { program: "ioredis", url: service.url, name: "", keys: own },
      [Symbol.asyncDispose]: async () => {
        await client.del(own);
        client.disconnect();
        await empty(service.url, bucket);
        await service.stop();
      },
    };
  },
  async postgres() {
    const service = await startPostgres({ print: console.error });
    const pool = new pg.Pool({ connectionString: service.url, max: 1 });
    const tables = new ScratchTables((table) => pool.query(`DROP TABLE IF EXISTS ${table}`));
    const [storeTable, table] = [tables.next(), tables.next()];
    const url = new URL(service.url);
    url.searchParams.set("table", storeTable);
    await fill(url.href, "cold");
    await pool.query(`CREATE TABLE ${table} (key text PRIMARY KEY, value bytea NOT NULL)`);
    for (const [key, value] of entries) {
      await pool.query(`INSERT INTO ${table} VALUES ($1, $2)`, [key, Buffer.from(value)]);
    }
    return {
      server: service.description,
      manykv: { program: "manykv", url: url.href, name: "cold", keys },
      other: { program: "pg", url: service.url, name: table, keys },
      [Symbol.asyncDispose]: async () => {
        await tables[Symbol.asyncDispose]();
        await pool.end();
        await service.stop();
      },
    };
  },
  async dynamodb() {
    const service = await startDynamodb({ print: console.error });
    const { region, credentials } = service;
    const env = {
      AWS_REGION: region,
      ...(credentials && {
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      }),
    };
    // The store that fills the table runs in this process and needs the same variables.
    Object.assign(process.env, env);
    const client = new DynamoDBClient({ endpoint: service.url });
    const tables = new ScratchTables((TableName) => client.send(new DeleteTableCommand({ TableName })));
    const [storeTable, table] = [tables.next(), tables.next()];
    const url = `dynamodb://${region}/${storeTable}?endpoint=${encodeURIComponent(service.url)}`;
    await fill(url, "cold");
    await createTable(client, table);
    for (const [key, value] of entries) {
      await client.send(new PutItemCommand({ TableName: table, Item: { k: { S: key }, v: { B: value } } }));
    }
    return {
      server: service.description,
      manykv: { program: "manykv", url, name: "cold", keys },
      other: { program: "sdk", url: service.url, name: table, keys },
      env,
      [Symbol.asyncDispose]: async () => {
        await tables[Symbol.asyncDispose]();
        client.destroy();
        await service.stop();
      },
    };
  },
};

async function fill(url: string, bucketName: string): Promise<void> {
  await using store = await openStore(url);
  await store.provision();
  const bucket = await store.open(bucketName);
  await bucket.setMany(entries);
}

async function empty(url: string, bucketName: string): Promise<void> {
  await using store = await openStore(url);
  const bucket = await store.open(bucketName);
  await bucket.deleteMany(keys);
}

export interface Cold {
  readonly rows: readonly Row[];
  /** Milliseconds from the start of the process to the result, for each run. */
  readonly times: { readonly [backend in ColdBackend]?: { readonly [program: string]: readonly number[] } };
}

/** Number of first runs that do not count. They load files into the operating system's cache. */
const warmUpRuns = 3;

/** Measures the time from the start of a fresh process to its first result. The programs take turns. */
export async function runCold(
  names: readonly BackendName[],
  runs: number,
  progress: (text: string) => void,
): Promise<Cold> {
  const rows: Row[] = [];
  const all: { [backend in ColdBackend]?: { [program: string]: number[] } } = {};
  for (const name of (["redis", "postgres", "dynamodb", "memory"] as const).filter((each) => names.includes(each))) {
    await using pair = await pairs[name]();
    const programs = [pair.manykv, pair.other];
    const times = new Map<ColdTask, number[]>(programs.map((each) => [each, []]));
    for (let run = -warmUpRuns; run < runs; run++) {
      await inTurn(programs, async (program) => {
        const time = await runProcess(program, pair.env);
        if (run >= 0) times.get(program)?.push(time);
      });
    }
    const own = times.get(pair.manykv) ?? [];
    const others = times.get(pair.other) ?? [];
    all[name] = { manykv: own, [pair.other.program]: others };
    progress(
      `${titles[name]}: process start to the result of the first getMany, ${runs} runs\n${textTable(
        ["", "ms"],
        [
          ["manykv", figures(spread(own))],
          [pair.other.program === "empty" ? "empty Node.js process" : pair.other.program, figures(spread(others))],
        ],
      )}\n`,
    );
    rows.push(
      name === "memory"
        ? row(
            { ...what(name), against: "above an empty Node.js process", unit: "ms", bar: bars[name] },
            spread(own.map((time, run) => time - (others[run] as number))),
          )
        : row({ ...what(name), against: pair.other.program, unit: "x", bar: bars[name] }, ratio(own, others)),
    );
  }
  return { rows, times: all };
}

function what(name: ColdBackend): Pick<Row, "operation" | "size"> {
  return { operation: `${titles[name]}, process start to first getMany`, size: "2 x 100 B" };
}

/** Runs a program in a fresh process. Returns the milliseconds from the start of the process to its result. */
async function runProcess(task: ColdTask, env: ColdPair["env"]): Promise<number> {
  const script = new URL("./cold-process.js", import.meta.url).pathname;
  const started = process.hrtime.bigint();
  const child = spawn(process.execPath, [script, JSON.stringify(task)], {
    env: { ...process.env, NODE_NO_WARNINGS: "1", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  const [answered, found] = output.trim().split(" ");
  if (code !== 0 || !answered) throw new Error(`The process of ${task.program} failed. Check its error output above.`);
  const expected = task.url === "memory:" || task.program === "empty" ? 0 : keys.length;
  if (Number(found) !== expected)
    throw new Error(`The program ${task.program} must find ${expected} keys, but found ${found}.`);
  return Number(BigInt(answered) - started) / 1_000_000;
}
