import type { DriverRequest } from "@manykv/core/driver";
import { ExchangeError } from "../protocol/exchange.js";
import { Parameters } from "../protocol/parameters.js";
import { Statement } from "../protocol/statement.js";
import type { CheckedOutClient, ServerProcess } from "./checked-out-client.js";
import { processIdOf } from "./pg-internals.js";

/** The start is null if the session's current role may not see the session of its login role, as after SET ROLE. */
const identify = new Statement(
  "SELECT pid, backend_start FROM pg_stat_get_activity(pg_backend_pid()) WHERE backend_start IS NOT NULL",
);

/**
 * Returns the process that serves a connection, or `undefined` if a pooler or the session's role hides it. A pooler makes
 * up a process number and runs each transaction in whatever process is free, so terminating one would hit another client.
 *
 * Asks the server once per connection.
 *
 * @throws {ExchangeError} if the connection breaks.
 */
export async function serverProcessOf(
  checkedOut: CheckedOutClient,
  request: DriverRequest,
): Promise<ServerProcess | undefined> {
  const { state } = checkedOut;
  state.serverProcess ??= (await ask(checkedOut, request)) ?? "hidden";
  return state.serverProcess === "hidden" ? undefined : state.serverProcess;
}

async function ask(checkedOut: CheckedOutClient, request: DriverRequest): Promise<ServerProcess | undefined> {
  let found: ServerProcess | undefined;
  try {
    await checkedOut.run(identify, new Parameters(identify), request, (row) => {
      found = { id: row.integer(), start: row.bytes() };
    });
  } catch (error) {
    // Servers that are only compatible with Postgres may not know the function. They can be used all the same.
    if (!(error instanceof ExchangeError && error.failure.ready)) throw error;
  }
  return found?.id === processIdOf(checkedOut.client) ? found : undefined;
}
