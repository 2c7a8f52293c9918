// The program that the suite starts for its cases about the end of a process. It gets the URL from the environment, because
// other users can see the arguments of a process.
import type { Address } from "@manykv/conformance";
import { runChild } from "@manykv/conformance/child";
import { memoryDriver } from "@manykv/memory";
import { driverOfUrl } from "./url-driver.js";

const url = process.env["MANYKV_STORE"] ?? "";

await runChild<readonly Address[]>((servers, route) =>
  url.startsWith("memory:") ? memoryDriver() : driverOfUrl(url, servers, route),
);
