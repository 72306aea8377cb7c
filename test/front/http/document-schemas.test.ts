import { expect, test } from "vitest";
import { documentOf } from "../../../src/front/http/schemas/document-schemas.js";

test("a document's conditions that could not be judged are shown where there are any", () => {
  const ref = { tenant: "default", kind: "role", name: "reader" };
  const shown = { times: 3, path: "/rules/0", reason: "it is too much work", atMs: 5 };
  expect(documentOf({ ref, unjudged: shown })).toMatchObject({ name: "reader", unjudged: shown });
  expect(documentOf({ ref, unjudged: null })).not.toHaveProperty("unjudged");
  expect(documentOf({ ref })).not.toHaveProperty("unjudged");
});
