import { runChild } from "@manykv/conformance/child";
import { driverThroughSentinels } from "./driver-through-sentinels.mjs";

await runChild(driverThroughSentinels);
