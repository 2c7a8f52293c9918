// The conformance suite under `bun test`.
import { describe, test } from "bun:test";
import { conformanceSuite } from "@manykv/conformance";
import { openHarness } from "./harness.mjs";

conformanceSuite({ describe, test }, await openHarness());
