import { expect, test } from "vitest";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";
import { attachRaw, callToolRaw, rawNodeForFile, registerRaw } from "./raw-node.js";

expectNoLeaks();
const redis = redisForFile();
// A claim's lease is much shorter than what a session may be silent for, as by default (5 s, 10 s, three of these).
const node = rawNodeForFile(redis, {
  heartbeatMs: 500,
  leaseMs: 1_500,
  claimLeaseIdempotentMs: 150,
  claimLeaseOnceMs: 150,
});

const contract = (name: string) => ({
  name,
  version: "1.0.0",
  tools: (["DELIVERY_MODE_IDEMPOTENT", "DELIVERY_MODE_ONCE"] as const).map((delivery) => ({
    name: delivery === "DELIVERY_MODE_ONCE" ? "once" : "again",
    payloadSchemaJson: Buffer.from("{}"),
    delivery,
  })),
});

const getCall = (callId: string) =>
  new Promise<GetCallResponse__Output>((resolve, reject) =>
    node().clients.gateway.getCall({ callId }, (error, value) =>
      value === undefined ? reject(error) : resolve(value),
    ),
  );

test.each(["again", "once"])(
  "a provider that is silent as long as a session may be keeps its calls, whatever their claims' lease: %s",
  async (tool) => {
    const lease = await registerRaw(node(), { contract: contract(tool), providerId: "p1", incarnation: "i1" });
    const session = attachRaw(node(), { hello: { lease, maxInFlight: 1 } }, { silent: true });
    const callId = await callToolRaw(node(), { toolset: tool, tool, wait: "WAIT_POLICY_WAIT" });
    await session.frame("the call came", ({ calls }) => calls[0]);
    // It is asked for a sign of life at each quarter of a claim's lease: many leases have passed by then, and it said nothing.
    const asked = () => session.frames.filter(({ heartbeat }) => heartbeat?.reply === false).length;
    const before = asked();
    await until("leases have passed", () => asked() >= before + 16);
    session.send({ results: [{ callId, attempt: 1, resultJson: Buffer.from('"late"') }] });
    const { settled } = await session.frame("it was settled", (frame) => frame.settled.length > 0 && frame);
    expect(settled).toEqual([{ callId, attempt: 1, accepted: true }]);
    expect((await getCall(callId)).terminal).toMatchObject({ kind: "TERMINAL_KIND_RESULT", attempt: 1 });
    await session.close();
  },
);

test("a provider that is silent for longer is lost: its session ends, and another one gets its idempotent calls", async () => {
  const registered = { contract: contract("lost"), incarnation: "i1" };
  const lease = await registerRaw(node(), { ...registered, providerId: "p1" });
  const session = attachRaw(node(), { hello: { lease, maxInFlight: 1 } }, { silent: true });
  const callId = await callToolRaw(node(), { toolset: "lost", tool: "again", wait: "WAIT_POLICY_WAIT" });
  await session.frame("the call came", ({ calls }) => calls[0]);
  const other = await registerRaw(node(), { ...registered, providerId: "p2" });
  const second = attachRaw(node(), { hello: { lease: other, maxInFlight: 1 } });
  expect(await second.frame("the other got it", ({ calls }) => calls[0])).toMatchObject({ callId, attempt: 2 });
  expect(session.ended).toBe(true);
  await second.close();
});
