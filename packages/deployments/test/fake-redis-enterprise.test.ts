import { info, type Manner, together } from "@manykv/test-services";
import { conformsInTheMannerOf } from "./support/conforms-in-the-manner-of.js";

/** The proxy of Redis Enterprise ends only the client's connection: the database still runs what it has received. */
const endsTheProxysSide: Manner = ([command, subcommand]) =>
  command === "CLIENT" && subcommand === "KILL" ? ":1\r\n" : undefined;

await conformsInTheMannerOf("Redis Enterprise", together(endsTheProxysSide, info({ rlec_version: "7.22.0-95" })), {
  product: "redis-enterprise",
  topology: "single",
  settles: false,
});
