import { runChild } from "@manykv/conformance/child";
import { MariadbDriver } from "../../dist/mariadb/mariadb-backend.js";

await runChild(({ url, server }, route) => {
  const { host, port } = route(server);
  return new MariadbDriver(Object.assign(new URL(url), { host: `${host}:${port}` }).href);
});
