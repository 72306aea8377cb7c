import { expect, test } from "vitest";
import { ServedAnswers } from "./served-answers.js";

const json = (schema: object) => ({ content: { "application/json": { schema } } });
const answers = new ServedAnswers({
  paths: {
    "/v1/things/{thing}": {
      get: {
        responses: {
          200: json({ $ref: "#/components/schemas/Thing" }),
          204: {},
          404: { content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } } },
        },
      },
    },
    "/v1/things/{thing}:stop": { get: { responses: { 200: json({ type: "string" }) } } },
    "/v1/things": { get: { responses: { 200: { content: { "text/event-stream": { schema: { type: "number" } } } } } } },
  },
  components: {
    schemas: {
      Thing: { type: "object", required: ["name"], properties: { name: { type: "string" } } },
      Problem: { type: "object", required: ["reason"], properties: { reason: { type: "string" } } },
    },
  },
});

const THING = "/v1/things/a";
const answer = (body: unknown, status = 200, type = "application/json"): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
const check = (path: string, response: Response) => answers.check("GET", path, response);

test("an answer as documented is let through, and can still be read", async () => {
  const response = answer({ name: "a" });
  expect(await check(THING, response)).toBeUndefined();
  expect(await response.json()).toEqual({ name: "a" });
  await check(THING, new Response(null, { status: 204 }));
  await check(THING, answer({ reason: "NONE" }, 404, "application/problem+json"));
  await check(`${THING}:stop`, answer("stopped"));
  await check("/v1/nothing", answer({ reason: "NONE" }, 404, "application/problem+json"));
});

test.each([
  ["a status", THING, answer({ name: "a" }, 201), /status is not documented/],
  ["a type", THING, answer({ name: "a" }, 200, "text/html"), /type is not documented/],
  ["a form", THING, answer({ name: 1 }), /must be string/],
  ["a member that is missing", THING, answer({}), /required/],
  ["a member that is not documented", THING, answer({ name: "a", secret: "b" }), /additional/],
  ["the answer of another route", `${THING}:stop`, answer({ name: "a" }), /must be string/],
  ["a route that is not documented", "/v1/nothing", answer({ name: "a" }), /not documented/],
])("%s is noticed", async (_what, path, response, message) => {
  await expect(check(path, response)).rejects.toThrow(message);
});

test("events are checked one by one", async () => {
  const checkEvent = await check("/v1/things", new Response("", { headers: { "content-type": "text/event-stream" } }));
  checkEvent?.({ id: undefined, event: "change", data: 1 });
  checkEvent?.({ id: undefined, event: "problem", data: { reason: "NONE" } });
  expect(() => checkEvent?.({ id: undefined, event: "change", data: "one" })).toThrow(/must be number/);
  expect(() => checkEvent?.({ id: undefined, event: "problem", data: 1 })).toThrow(/must be object/);
});
