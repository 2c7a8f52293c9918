import type { Backend, BackendName } from "./backend.js";
import { dynamodb } from "./dynamodb.js";
import { memory } from "./memory.js";
import { redis } from "./redis.js";

export const backends: { readonly [name in BackendName]?: Backend } = { memory, redis, dynamodb };
