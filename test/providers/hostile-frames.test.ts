import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { beforeEach, expect, test } from "vitest";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";
import { attachRaw, rawNodeForFile, registerRaw } from "./raw-node.js";

expectNoLeaks();
const redis = redisForFile();
const node = rawNodeForFile(redis, { heartbeatMs: 1_000 });

const unhandled: unknown[] = [];
beforeEach(() => {
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  return () => process.off("unhandledRejection", note);
});

/** A schema that is too long for the event loop, so that values are judged in the worker, where MOST_WAITING of them may wait. */
const COSTLY = { type: "object", description: "x".repeat(40_000) };
const MOST_WAITING = 256;

const register = (name: string, result?: object) =>
  registerRaw(node(), {
    contract: {
      name,
      version: "1.0.0",
      tools: [
        {
          name: "echo",
          payloadSchemaJson: Buffer.from('{"type":"object"}'),
          ...(result === undefined ? {} : { resultSchemaJson: Buffer.from(JSON.stringify(result)) }),
        },
      ],
    },
    providerId: "p1",
    incarnation: "i1",
  });

test("a stream that says no hello is ended: it holds a session's place", async () => {
  const stream = node().clients.registry.attach(new Metadata());
  const error = await new Promise<ServiceError>((resolve) => stream.on("error", resolve));
  expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining("1000 ms") });
});

test("a first frame that breaks the rules behind its hello fails its stream, and nothing else", async () => {
  const lease = await register("first-frame");
  const session = attachRaw(node(), {
    hello: { lease, maxInFlight: 1 },
    results: [{ callId: "not a call id", attempt: 1, cancelled: {} }],
  });
  await until("the stream has failed", () => session.ended);
  expect(session.error?.code).toBe(status.INVALID_ARGUMENT);
  expect(unhandled).toEqual([]);
});

test("a first frame that names too many calls in hand is refused before it waits to be let in", async () => {
  const lease = await register("many-in-hand");
  const inHand = Array(10_001).fill({ callId: "", attempt: 1 });
  const session = attachRaw(node(), { hello: { lease, maxInFlight: 1, inHand } });
  await until("the stream has failed", () => session.ended);
  expect(session.error?.code).toBe(status.INVALID_ARGUMENT);
});

test("more results at once than can be judged at once are all settled", async () => {
  const count = MOST_WAITING + 50;
  const lease = await register("costly", COSTLY);
  const session = attachRaw(node(), { hello: { lease, maxInFlight: count } });
  await session.frame("welcome", ({ welcome }) => welcome);
  const call = { toolset: "costly", tool: "echo", wait: "WAIT_POLICY_WAIT" } as const;
  for (let i = 0; i < count; i++) node().clients.gateway.callTool({ call }, () => {});
  const calls = () => session.frames.flatMap((frame) => frame.calls);
  await until("all calls were delivered", () => calls().length === count);
  session.send({ results: calls().map(({ callId, attempt }) => ({ callId, attempt, resultJson: Buffer.from("{}") })) });
  const settled = () => session.frames.flatMap((frame) => frame.settled);
  await until("all results are settled", () => settled().length === count);
  expect(settled().every(({ accepted }) => accepted)).toBe(true);
  expect(unhandled).toEqual([]);
  await session.close();
});
