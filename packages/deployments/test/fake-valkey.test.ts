import { manners } from "@manykv/test-services";
import { conformsInTheMannerOf } from "./support/conforms-in-the-manner-of.js";

await conformsInTheMannerOf("Valkey", manners.valkey, { product: "valkey", topology: "single", settles: true });
