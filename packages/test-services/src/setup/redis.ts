import { type GlobalSetup, globalSetup } from "./global-setup.js";

const setup: GlobalSetup = globalSetup("redis");
export default setup;
