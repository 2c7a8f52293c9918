import { manners } from "@manykv/test-services";
import { conformsInTheMannerOf } from "./support/conforms-in-the-manner-of.js";
import { cannotShareCursors } from "./support/skips.js";

const expected = { product: "dragonfly", topology: "single", settles: true };
await conformsInTheMannerOf("Dragonfly", manners.dragonfly, expected, cannotShareCursors);
