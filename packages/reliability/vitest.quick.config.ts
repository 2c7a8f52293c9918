import { configDefaults, defineProject, mergeConfig } from "vitest/config";
import all from "./vitest.config.js";

const slow = ["test/campaigns.test.ts", "test/checker-mutants.test.ts"];

/** The tests that are part of the test command: the simulation, and the tests of the checker without the planted bugs. */
export default mergeConfig(all, defineProject({ test: { exclude: [...configDefaults.exclude, ...slow] } }));
