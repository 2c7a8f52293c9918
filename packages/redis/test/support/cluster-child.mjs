import { runChild } from "@manykv/conformance/child";
import { redisDriver } from "@manykv/redis";
import { Cluster } from "ioredis";

await runChild(({ nodes }, route) => {
  const client = new Cluster(nodes.map(route), {
    lazyConnect: true,
    natMap: Object.fromEntries(nodes.map((node) => [`${node.host}:${node.port}`, route(node)])),
  });
  client.on("error", () => {});
  const driver = redisDriver({ client });
  const close = driver.close.bind(driver);
  driver.close = async () => {
    await close();
    client.disconnect();
  };
  return driver;
});
