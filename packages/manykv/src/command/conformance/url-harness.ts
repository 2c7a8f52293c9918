import type { Address, ConformanceHarness } from "@manykv/conformance";
import type { Driver } from "@manykv/core/driver";
import { memoryDriver } from "@manykv/memory";
import { isOwnUrl, openStore } from "../../open-store.js";
import { CommandError, exitCode } from "../errors.js";
import { printMessage } from "../terminal.js";
import { driverOfUrl, nameOfUrl, serversOfUrl } from "./url-driver.js";

/**
 * Returns the harness of a store URL. Checks first that the store can be used, so that a wrong password or a missing table
 * is reported like that of any other subcommand. With `provision`, creates the table first.
 */
export async function urlHarness(url: string, provision: boolean): Promise<ConformanceHarness> {
  await prepareStore(url, provision);
  // The child processes of the suite inherit it.
  process.env["MANYKV_STORE"] = url;
  if (url.toLowerCase().startsWith("memory:"))
    return { name: "memory", driver: sharedMemory(), child: { file: childFile(), data: [] } };
  const found = await serversOfUrl(url);
  if ("reason" in found) printMessage(`the network cases cannot run: ${found.reason}`);
  const servers: readonly Address[] = "servers" in found ? found.servers : [];
  const name = nameOfUrl(url);
  return {
    name,
    driver: (route) => driverOfUrl(url, servers, route),
    child: { file: childFile(), data: servers },
    skip: skipsOf(name),
    ...("servers" in found && { servers }),
  };
}

async function prepareStore(url: string, provision: boolean): Promise<void> {
  if (!isOwnUrl(url)) {
    const advice = "pass a module that exports a harness with the driver; manykv conformance --init writes one";
    throw new CommandError(exitCode.usage, `manykv has no driver for this URL: ${advice}`);
  }
  const store = await openStore(url, { timeout: 30_000 });
  try {
    if (provision) await store.provision();
    await (await store.open("manykv-conformance")).exists("");
  } finally {
    await store.close();
  }
}

function childFile(): URL {
  return new URL(import.meta.resolve("#conformance-child"));
}

/** Returns a function that creates drivers over the same data. Closing one driver does not affect the others. */
function sharedMemory(): () => Driver {
  const memory = memoryDriver();
  const close = async (): Promise<void> => {};
  return () =>
    new Proxy(memory, {
      get(target, name) {
        if (name === "close") return close;
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
}

const ownRetries = "through proxies, the client of ioredis finds the nodes, and it retries until the deadline";
const keptAlive = "through proxies, the client of ioredis finds the nodes, and it keeps the process alive";

/** Returns the cases that the backend cannot pass. */
function skipsOf(name: string): Record<string, string> {
  if (name === "dynamodb") {
    return {
      "s09-network-late-write": "DynamoDB cannot cancel a BatchWriteItem whose response was lost",
      ...(process.version.startsWith("v20.") && {
        "same-process-frozen-built-ins": "on Node.js 20, the AWS SDK does not load in such a program",
      }),
    };
  }
  if (name !== "redis cluster") return {};
  return {
    "same-network-unknown-host": ownRetries,
    "same-network-unreachable": ownRetries,
    "s16-network-process-connecting": keptAlive,
    "s16-network-process-refused": keptAlive,
  };
}
