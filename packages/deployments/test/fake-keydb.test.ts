import { manners } from "@manykv/test-services";
import { conformsInTheMannerOf } from "./support/conforms-in-the-manner-of.js";

await conformsInTheMannerOf("an active replica of KeyDB", manners.keydb, {
  product: "keydb",
  topology: "single",
  settles: true,
});
