import { type GlobalSetup, globalSetup } from "./global-setup.js";

const setup: GlobalSetup = globalSetup("postgres");
export default setup;
