import { expect, test } from "vitest";
import { memberText } from "../../src/json/member-text.js";

test.each([
  ['{"details":1.0}', "1.0"],
  ['{"message":"details","details": {"details":[10.00, {}]} ,"more":1}', '{"details":[10.00, {}]}'],
  ['{"a":{"details":1},"details":"x, \\"}"}', '"x, \\"}"'],
  ['{"a":["details",{"details":2}],"b":1}', undefined],
  ["{}", undefined],
])("a member of %s is found as it is written", (json, text) => {
  expect(memberText(json, "details")).toBe(text);
});
