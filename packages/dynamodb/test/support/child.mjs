// Loading the SDK may take longer than the calls of a scenario, which would then never connect.
import "@aws-sdk/client-dynamodb";
import { runChild } from "@manykv/conformance/child";
import { dynamodbDriver } from "@manykv/dynamodb";

await runChild(({ table, server }, route) => {
  const { host, port } = route(server);
  return dynamodbDriver({ table, endpoint: `http://${host}:${port}` });
});
