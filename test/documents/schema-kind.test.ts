import { Type } from "typebox";
import { expect, test } from "vitest";
import { schemaKind } from "../../src/documents/schema-kind.js";
import type { ToolgateError } from "../../src/errors/toolgate-error.js";
import { refOf } from "../store/documents/documents-fixture.js";

const KIND = schemaKind({
  kind: "thing",
  schema: Type.Object({
    size: Type.Integer({ minimum: 1 }),
    mode: Type.Optional(Type.Union([Type.Literal("on"), Type.Literal("off")])),
    items: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
  check: ({ size }) => (size === 13 ? [{ field: "/size", description: "must not be 13" }] : []),
});
const REF = refOf("thing/one");

function refusalOf(body: unknown): ToolgateError {
  try {
    KIND.parse(body, REF);
  } catch (error) {
    return error as ToolgateError; // all that it throws
  }
  throw new Error("it was read");
}

test("reads what fits", () => {
  const body = { size: 1, mode: "on", labels: { any: "thing" } };
  expect(KIND.parse(body, REF)).toEqual(body);
  expect(KIND.unknownMembers?.(body)).toEqual([]);
});

test("names every fault at once by its place, and never the data", () => {
  const error = refusalOf({ size: "hunter2", items: [{}, { name: 1 }] });
  expect(error.reason).toBe("INVALID_DOCUMENT");
  expect(error.violations.map(({ field }) => field).sort()).toEqual(["/items/0/name", "/items/1/name", "/size"]);
  expect(JSON.stringify([error.message, error.violations])).not.toContain("hunter2");
  expect(refusalOf({}).violations).toEqual([{ field: "/size", description: "is missing" }]);
  expect(refusalOf({ size: 13 }).violations).toEqual([{ field: "/size", description: "must not be 13" }]);
  expect(refusalOf("text").violations).toEqual([{ field: "", description: "must be object" }]);
});

test("members that it does not know are no fault of what is stored, and are named for what is applied", () => {
  const body = { size: 1, sice: 2, items: [{ name: "a", more: 1 }] };
  expect(KIND.parse(body, REF)).toMatchObject({ size: 1 });
  expect(KIND.unknownMembers?.(body)).toEqual([
    { field: "/sice", description: "is not known" },
    { field: "/items/0/more", description: "is not known" },
  ]);
});

test("names of a prototype are no members", () => {
  expect(refusalOf(JSON.parse('{"__proto__":{"size":1}}')).violations).toContainEqual({
    field: "/size",
    description: "is missing",
  });
});
