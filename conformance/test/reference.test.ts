import { describe, test } from "vitest";
import { conformanceSuite } from "../src/index.js";
import { type ReferenceData, referenceDriver } from "./reference-driver.js";

const data: ReferenceData = new Map();

conformanceSuite({ describe, test }, { name: "reference", driver: () => referenceDriver(data) });
