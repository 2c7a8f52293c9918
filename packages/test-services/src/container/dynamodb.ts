import { DYNAMODB_REGION, type DynamodbOptions, EMULATOR_CREDENTIALS } from "../dynamodb-options.js";
import { freePort } from "../process/free-port.js";
import type { DedicatedDynamodb } from "../service.js";
import { settle } from "../support/settle.js";
import { IMAGES } from "./images.js";
import { guarded } from "./start-container.js";
import { startServer } from "./start-server.js";

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.UsageNotes.html */
const SERVE = ["-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-sharedDb"];

/** AWS's DynamoDB Local in a container. */
export function dynamodbContainer(options: DynamodbOptions): Promise<DedicatedDynamodb> {
  return guarded(async (guard) => {
    const port = await freePort();
    const server = await startServer(
      guard,
      {
        image: IMAGES.dynamodb,
        // The image's user may write to /tmp, whoever that is.
        command: [...SERVE, ...(options.durable ? ["-dbPath", "/tmp"] : ["-inMemory"])],
        ports: [{ container: 8000, host: port }],
      },
      (host) => answers(`http://${host}:${port}`),
    );
    return {
      ...server,
      url: `http://${server.host}:${port}`,
      region: DYNAMODB_REGION,
      credentials: EMULATOR_CREDENTIALS,
    };
  });
}

/** Any answer will do, a refusal of the bare request included. */
async function answers(url: string): Promise<void> {
  await settle("DynamoDB Local did not answer", 60_000, async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    await response?.body?.cancel();
    return response && true;
  });
}
