import { info, type Manner, together } from "@manykv/test-services";

const script = "for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[i], 'PX', ARGV[#ARGV]) end return 1";

/** Runs `MSETEX` as a script. The reply to the script is that of `MSETEX`. */
const msetex: Manner = ([command, count, ...words]) => {
  if (command !== "MSETEX") return undefined;
  const pairs = words.slice(0, 2 * Number(count));
  const [, ttl] = words.slice(pairs.length);
  const every = (rest: number): string[] => pairs.filter((_, index) => index % 2 === rest);
  return ["EVAL", script, `${count}`, ...every(0), ...every(1), `${ttl}`];
};

/** The manner of Redis 8.4, which added `MSETEX`. */
export const redis84 = together(info({ redis_version: "8.4.0" }), msetex);

/** `INFO` lines of servers without `MSETEX`. */
export const withoutMsetex: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  "Redis 8.2": { redis_version: "8.2.9" },
  "Redis 7": { redis_version: "7.0.15" },
  "Valkey 9": { redis_version: "7.2.4", server_name: "valkey", valkey_version: "9.0.0" },
  "a server without a version": { redis_version: undefined },
};
