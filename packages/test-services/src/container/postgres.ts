import { randomBytes } from "node:crypto";
import {
  POSTGRES_DATABASE,
  POSTGRES_USER,
  type PostgresOptions,
  postgresArguments,
  postgresUrl,
} from "../postgres-options.js";
import { freePort } from "../process/free-port.js";
import type { DedicatedPostgres } from "../service.js";
import { postgresAnswers } from "../support/postgres-client.js";
import { IMAGES } from "./images.js";
import { guarded } from "./start-container.js";
import { startServer } from "./start-server.js";

/** Postgres in a container. */
export function postgresContainer(options: PostgresOptions): Promise<DedicatedPostgres> {
  return guarded(async (guard) => {
    const port = await freePort();
    const password = randomBytes(16).toString("hex");
    const server = await startServer(
      guard,
      {
        image: IMAGES.postgres,
        command: ["postgres", ...postgresArguments(options)],
        environment: {
          POSTGRES_USER,
          POSTGRES_PASSWORD: password,
          POSTGRES_DB: POSTGRES_DATABASE,
        },
        ports: [{ container: 5432, host: port }],
      },
      (host) => postgresAnswers(postgresUrl(host, port, password)),
    );
    return { ...server, url: postgresUrl(server.host, port, password) };
  });
}
