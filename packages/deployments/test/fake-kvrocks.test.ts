import { manners } from "@manykv/test-services";
import { conformsInTheMannerOf } from "./support/conforms-in-the-manner-of.js";
import { cannotShareCursors } from "./support/skips.js";

const expected = { product: "kvrocks", topology: "single", settles: true };
await conformsInTheMannerOf("Kvrocks", manners.kvrocks, expected, cannotShareCursors);
