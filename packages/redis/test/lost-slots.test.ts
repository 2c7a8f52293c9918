import { expect, test } from "vitest";
import { LostSlots } from "../src/cluster/lost-slots.js";
import { SlotSet } from "../src/cluster/slot-set.js";

test("slots count as lost only for writes before the replacement", () => {
  const lost = new LostSlots();
  const before = lost.generation;
  lost.add(SlotSet.parse("5-9"));
  const between = lost.generation;
  lost.add(SlotSet.parse("100"));
  expect([5, 9, 100, 4].map((slot) => lost.hasSince(before, slot))).toEqual([true, true, true, false]);
  expect([5, 9, 100, 4].map((slot) => lost.hasSince(between, slot))).toEqual([false, false, true, false]);
  expect(lost.hasSince(lost.generation, 100)).toBe(false);
});

test("a node without slots loses nothing", () => {
  const lost = new LostSlots();
  lost.add(new SlotSet());
  expect(lost.generation).toBe(0);
});

test("after many replacements, every slot counts as lost for older writes", () => {
  const lost = new LostSlots();
  for (let replacement = 0; replacement < 20; replacement++) lost.add(SlotSet.parse("1"));
  expect(lost.hasSince(0, 7)).toBe(true);
  expect(lost.hasSince(10, 7)).toBe(false);
  expect(lost.hasSince(10, 1)).toBe(true);
});
