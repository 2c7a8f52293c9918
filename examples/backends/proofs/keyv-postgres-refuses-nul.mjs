// @keyv/postgres stores keys in a text column, which cannot contain U+0000. One such key makes the whole batch fail.
import KeyvPostgres from "@keyv/postgres";

const keyv = new KeyvPostgres({ uri: process.argv[2], table: "keyv_proof" });
const entries = ["plain", "with\0nul"].map((key) => ({ key, value: "value" }));
const got = await keyv.setMany(entries).then(
  () => "both keys are stored",
  (error) => error.message,
);
await keyv.disconnect();
console.log("expected: both keys are stored");
console.log(`got: ${got}`);
process.exit(got === "both keys are stored" ? 0 : 1);
