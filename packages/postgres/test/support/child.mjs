import { runChild } from "@manykv/conformance/child";
import { postgresDriver } from "@manykv/postgres";

await runChild(({ url, table, server }, route) => {
  const { host, port } = route(server);
  return postgresDriver({ url: Object.assign(new URL(url), { host: `${host}:${port}` }).href, table });
});
