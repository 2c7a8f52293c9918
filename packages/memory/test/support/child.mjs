import { runChild } from "@manykv/conformance/child";
import { memoryDriver } from "@manykv/memory";

await runChild(() => memoryDriver());
