/**
 * Writes the cities of the world in batches, reads them back and compares them. Then deletes the cities of France,
 * checks that only these cities are missing, and deletes the others. The first argument is the store's URL (default:
 * `memory:`).
 */
import { openStore, StoreError } from "manykv";
import { cityEntries } from "./demo/city-entries.js";
import { deleteAll, readAndCompare, setAll } from "./demo/steps.js";
import { formatSteps } from "./demo/table.js";

async function demo(url: string): Promise<void> {
  const entries = cityEntries();
  const french = entries.filter(([key]) => key.startsWith("FR/"));
  const others = entries.filter(([key]) => !key.startsWith("FR/"));
  const store = await openStore(url, { timeout: 60_000 });
  try {
    await store.provision();
    const bucket = await store.open("manykv-demo");
    const scheme = url.slice(0, url.indexOf(":"));
    console.log(`${entries.length.toLocaleString("en-US")} cities (GeoNames, CC BY 4.0) in ${scheme}\n`);
    const steps = [
      await setAll(bucket, entries),
      await readAndCompare(bucket, "get and compare", entries, []),
      await deleteAll(bucket, "delete France", french),
      await readAndCompare(bucket, "get: only France is missing", others, french),
      await deleteAll(bucket, "delete the others", others),
    ];
    console.log(formatSteps(steps));
    console.log("\nEvery value was read back unchanged.");
  } finally {
    await store.close();
  }
}

try {
  await demo(process.argv[2] ?? "memory:");
} catch (error) {
  console.error("demo:", StoreError.is(error) ? error.message : error);
  process.exitCode = 1;
}
