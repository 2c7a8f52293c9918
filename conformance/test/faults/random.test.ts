import { expect, test } from "vitest";
import { seededConnectionFault } from "../../src/faults/connection-fault.js";
import { deriveSeed, Random } from "../../src/faults/random.js";

test("generators with the same seed return the same numbers, and generators with different seeds do not", () => {
  const draw = (seed: number | string): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 20 }, () => random.next());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw("seven")).toEqual(draw("seven"));
  expect(draw("seven")).not.toEqual(draw("eight"));
});

test("numbers are spread evenly over their range", () => {
  const random = new Random(1);
  const counts = new Map<number, number>();
  for (let draw = 0; draw < 100_000; draw++) {
    const number = random.integer(0, 9);
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  expect(counts.size).toBe(10);
  for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  const bits = [...random.bytes(100_000)].reduce((sum, byte) => sum + byte, 0) / 100_000;
  expect(Math.abs(bits - 127.5)).toBeLessThan(2);
});

test("chance, pick and weighted follow the requested probabilities", () => {
  const random = new Random(2);
  const share = (draw: () => boolean): number => Array.from({ length: 20_000 }, draw).filter(Boolean).length / 20_000;
  expect(share(() => random.chance(0.25))).toBeCloseTo(0.25, 1);
  expect(share(() => random.pick(["a", "b", "c", "d"]) === "a")).toBeCloseTo(0.25, 1);
  expect(share(() => random.weighted({ a: 3, b: 1 }) === "a")).toBeCloseTo(0.75, 1);
  expect(() => random.pick([])).toThrow(RangeError);
});

test("bytes and hex digits have the requested length", () => {
  const random = new Random("bytes");
  for (const length of [0, 1, 4, 7, 100]) {
    expect(random.bytes(length).length).toBe(length);
    expect(random.hex(length)).toMatch(new RegExp(`^[0-9a-f]{${length}}$`));
  }
  expect(random.bytes(8)).not.toEqual(random.bytes(8));
});

test("derived seeds depend on the seed and on the label", () => {
  const seeds = [deriveSeed(1, "a"), deriveSeed(1, "b"), deriveSeed(2, "a"), deriveSeed(1, 0), deriveSeed(1, 1)];
  expect(new Set(seeds).size).toBe(seeds.length);
  expect(deriveSeed(1, "a")).toBe(deriveSeed(1, "a"));
});

test("a seeded connection fault is reproducible, respects its options and prints its seed", () => {
  expect(JSON.stringify(seededConnectionFault(5))).toBe(JSON.stringify(seededConnectionFault(5)));
  expect(String(seededConnectionFault(5))).toMatch(/seed 5$/);
  for (let seed = 0; seed < 200; seed++) {
    const fault = seededConnectionFault(seed, { kinds: ["hold"], scope: "all", longestHold: 9 });
    expect(fault).toMatchObject({ kind: "hold", scope: "all" });
    expect(fault.milliseconds).toBeLessThan(10);
  }
});
