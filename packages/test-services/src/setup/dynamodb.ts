import { type GlobalSetup, globalSetup } from "./global-setup.js";

const setup: GlobalSetup = globalSetup("dynamodb");
export default setup;
