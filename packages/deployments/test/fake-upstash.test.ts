import { manners } from "@manykv/test-services";
import { conformsInTheMannerOf } from "./support/conforms-in-the-manner-of.js";
import { cannotShareCursors } from "./support/skips.js";

const expected = { product: undefined, topology: undefined, settles: false };
await conformsInTheMannerOf("Upstash", manners.upstash, expected, cannotShareCursors);
