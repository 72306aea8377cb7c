import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type as ark } from "arktype";
import * as v from "valibot";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { connect, type DynamicToolset, type Provider, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";

/** Toolsets whose schemas are of other libraries, from their registration to the result that an agent gets. */

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let provider: Provider;
let client: Toolgate;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ nodes: 1, redis });
  provider = await serveToolset(toolset, { nodes: cluster.nodes });
  client = await connect(cluster.nodes);
});
afterAll(async () => {
  await client.close();
  await provider.stop();
  await cluster.stop();
  await redis.stop();
});

const isEven = (number: number) => number % 2 === 0;

const toolset = {
  name: "foreign",
  version: "1.0.0",
  tools: {
    zod: {
      payload: z.object({
        word: z.string().transform((word) => word.length),
        times: z.number().default(2),
        even: z
          .number()
          .optional()
          .refine((number) => number === undefined || isEven(number), "must be even"),
      }),
      result: z.object({
        product: z.number().refine((product) => product < 100, "is too much"),
        note: z.string().default("none"),
      }),
      run: ({ word, times }: { word: number; times: number }) => ({ product: word * times, left: "out" }),
    },
    late: {
      payload: z.object({ name: z.string().refine(async (name) => Promise.resolve(name !== "taken"), "is taken") }),
      run: ({ name }: { name: string }) => name,
    },
    valibot: {
      payload: toStandardJsonSchema(v.object({ a: v.optional(v.number(), 3) })),
      run: ({ a }: { a: number }) => a,
    },
    arktype: { payload: ark({ a: "number = 3" }), result: ark("number"), run: ({ a }: { a: number }) => a },
    typebox: { payload: Type.Object({ a: Type.Number() }), run: ({ a }: { a: number }) => a },
  },
} as const;

test("a toolset of foreign schemas is registered with the JSON Schemas of what agents send and receive", async () => {
  const { tools } = await client.get("foreign");
  const named = Object.fromEntries(tools.map((tool) => [tool.name, tool]));
  expect(named.zod?.payload).toMatchObject({
    properties: { word: { type: "string" }, times: { type: "number", default: 2 } },
    required: ["word"],
  });
  expect(named.zod?.result).toMatchObject({ required: ["product", "note"] });
  expect(named.arktype?.payload).toMatchObject({ properties: { a: { type: "number" } } });
  expect(named.valibot?.payload).toMatchObject({ properties: { a: { default: 3 } } });
  expect(provider.warnings).toEqual([]);
});

test("code gets what comes out of the payload's schema, and agents what comes out of the result's", async () => {
  expect(await client.invoke("foreign", "zod", { word: "four", times: 3 })).toEqual({ product: 12, note: "none" });
  expect(await client.invoke("foreign", "zod", { word: "four" })).toEqual({ product: 8, note: "none" });
  expect(await client.invoke("foreign", "late", { name: "free" })).toBe("free");
  expect(await client.invoke("foreign", "valibot", {})).toBe(3);
  expect(await client.invoke("foreign", "arktype", {})).toBe(3);
  expect(await client.invoke("foreign", "typebox", { a: 4 })).toBe(4);
});

test("a payload that the JSON Schema refuses does not reach the provider", async () => {
  await expect(client.invoke("foreign", "zod", { word: 4 })).rejects.toMatchObject({
    reason: "INVALID_PAYLOAD",
    executed: "no",
  });
});

test("a refinement that fails is a tool error that names the place", async () => {
  await expect(client.invoke("foreign", "zod", { word: "a", even: 3 })).rejects.toMatchObject({
    kind: "tool_error",
    reason: "PAYLOAD_REFUSED",
    message: "The payload is not what the tool's schema asks for: /even: must be even",
    terminal: { details: { violations: [{ field: "/even", description: "must be even" }] } },
  });
  await expect(client.invoke("foreign", "late", { name: "taken" })).rejects.toMatchObject({
    terminal: { details: { violations: [{ field: "/name", description: "is taken" }] } },
  });
  await expect(client.invoke("foreign", "zod", { word: "a", times: 200 })).rejects.toMatchObject({
    kind: "tool_error",
    reason: "INVALID_RESULT",
    terminal: { details: { violations: [{ field: "/product", description: "is too much" }] } },
  });
});

class Model {
  readonly fields = { a: String };
}

const NONE: readonly (readonly [string, unknown, string])[] = [
  ["a schema that cannot tell its JSON Schema", v.object({ a: v.number() }), "toStandardJsonSchema"],
  ["a shape of schemas", { a: z.string() }, "z.object"],
  ["a JSON Schema with a schema inside", { type: "object", properties: { a: ark("string") } }, "/properties/a"],
  ["a class", Model, "is a function"],
  ["an instance", new Model(), "an instance of Model"],
  ["a shape of constructors", { a: String }, "has, at /a, a function"],
  ["an array", [], "is an array"],
  ["text", '{"type":"object"}', "is a string"],
  ["nothing", undefined, "is missing"],
  ["a schema whose input has no JSON form", z.object({ at: z.date() }), "describe the JSON that agents send"],
];
for (const [what, payload, told] of NONE) {
  test(`${what} as a payload is refused before anything is sent, with what to give instead`, async () => {
    const faulty = {
      name: "none",
      version: "1.0.0",
      tools: { broken: { payload, run: () => 1 } },
    } as unknown as DynamicToolset; // as plain JavaScript may
    await expect(serveToolset(faulty, { nodes: "127.0.0.1:1" })).rejects.toMatchObject({
      reason: "INVALID_SCHEMA",
      message: expect.stringMatching(/^The payload of the tool broken .*; .*\.$/),
      violations: [{ field: "tools[broken].payload" }],
    });
    await expect(serveToolset(faulty, { nodes: "127.0.0.1:1" })).rejects.toThrow(told);
  });
}

test("a result that is made by a transform without a schema is refused", async () => {
  const result = z.string().transform((text) => text.length);
  const faulty = {
    name: "none",
    version: "1.0.0",
    tools: { broken: { payload: true, result, run: () => "a" } },
  } as const;
  await expect(serveToolset(faulty, { nodes: "127.0.0.1:1" })).rejects.toThrow("pipe()");
});
