import { expect, test } from "vitest";
import { ListingPosition } from "../../src/command/copy/listing-position.js";

test("the position passes a page after all of its records were copied", () => {
  const position = new ListingPosition("start");
  position.list(3, "page 2");
  position.list(3, "page 3");
  position.read(4, 4);
  position.copy(2);
  expect(position.cursor).toBe("start");
  // The batch ends in the second page, so the first page is complete with the record 4.
  position.copy(4);
  expect(position.cursor).toBe("page 2");
  position.read(2, 6);
  position.copy(5);
  expect(position.cursor).toBe("page 2");
  position.copy(6);
  expect(position.cursor).toBe("page 3");
});

test("keys without a record and empty pages do not hold the position back", () => {
  const position = new ListingPosition(undefined);
  position.list(2, "page 2");
  position.read(2, 0);
  expect(position.cursor).toBe("page 2");
  for (const page of [3, 4, 5]) position.list(0, `page ${page}`);
  expect(position.cursor).toBe("page 5");
});

test("empty pages do not let the position pass records that are not copied", () => {
  const position = new ListingPosition(undefined);
  position.list(2, "page 2");
  position.read(2, 2);
  position.list(0, "page 3");
  position.copy(1);
  expect(position.cursor).toBeUndefined();
  position.copy(2);
  expect(position.cursor).toBe("page 3");
});

test("the last page has no cursor, so the position stays before it", () => {
  const position = new ListingPosition(undefined);
  position.list(1, "page 2");
  position.list(1, undefined);
  position.read(2, 2);
  position.copy(2);
  expect(position.cursor).toBe("page 2");
});
