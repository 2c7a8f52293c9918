import { runChild } from "@manykv/conformance/child";
import { driverAt, withAddress } from "./driver-at.mjs";

await runChild(({ url, server }, route) => driverAt(withAddress(url, route(server))));
