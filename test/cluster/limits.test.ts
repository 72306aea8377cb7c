import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { LARGEST_MESSAGE_BYTES } from "../../src/config/message-limits.js";
import { connect, type Provider, rawJson, serveToolset, type Toolgate } from "../../src/index.js";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import type { GetRegistryResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetRegistryResponse.js";
import { VERSION } from "../../src/version.js";
import { ask } from "../front/grpc/ask.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { contractNamed, json, openAgentSession, provide, specOf, terminalOf, wiredCluster, wireTo } from "./wire.js";

/** A registry whose limits are far above gRPC's own, and all the parts that meet them. */

expectNoLeaks();

const MiB = 1_048_576;
const { cluster, wires } = wiredCluster({
  ...FAST,
  // All providers here are busy with large messages for seconds, and none of them is lost.
  ...{ missedPings: 100, heartbeatMs: 10_000, leaseMs: 60_000 },
  maxPayloadBytes: 20 * MiB,
  maxResultBytes: 20 * MiB,
  maxMessageBytes: 24 * MiB,
  maxOutputBytes: 64 * MiB,
});
/** A JSON string of `bytes` bytes. */
const jsonOf = (bytes: number) => Buffer.concat([Buffer.from('"'), Buffer.alloc(bytes - 2, "x"), Buffer.from('"')]);

describe("a client of the SDK", () => {
  let provider: Provider;
  let client: Toolgate;
  const waiting = new Map<string, () => void>();

  beforeAll(async () => {
    provider = await serveToolset(
      {
        name: "big",
        version: "1.0.0",
        tools: {
          size: { payload: true, run: (_input, { payloadJson }) => payloadJson.length },
          make: {
            payload: { type: "object", properties: { bytes: { type: "integer" } }, required: ["bytes"] },
            run: ({ bytes }) => rawJson(jsonOf(bytes)),
          },
          say: {
            payload: { type: "object", properties: { bytes: { type: "integer" } }, required: ["bytes"] },
            run: async ({ bytes }, { emit }) => {
              await emit(rawJson(jsonOf(bytes)));
              return "said";
            },
          },
          wait: {
            payload: true,
            run: (_input, { callId }) => new Promise((resolve) => waiting.set(callId, () => resolve("waited"))),
          },
        },
      },
      { nodes: cluster().nodes, maxDeltaBytes: 20 * MiB },
    );
    client = await connect(cluster().nodes);
  });
  afterAll(async () => {
    await client?.close();
    await provider?.stop();
  });

  /** A call that runs while something else happens, and must not notice. */
  async function neighbour(): Promise<() => Promise<unknown>> {
    const before = waiting.size;
    const answer = client.invoke("big", "wait", {});
    answer.catch(() => {}); // looked at by the test that asked for it
    await until("the neighbour runs", () => waiting.size > before);
    return () => {
      for (const end of waiting.values()) end();
      return answer;
    };
  }

  test("is told the registry's limits", async () => {
    const registry = await client.registry();
    expect(registry).toMatchObject({ name: "default", version: VERSION });
    expect(registry.limits).toMatchObject({
      maxPayloadBytes: 20 * MiB,
      maxMessageBytes: 24 * MiB,
      maxTimeoutMs: 600_000,
    });
    const [a] = wires();
    const answer = await ask<GetRegistryResponse__Output>((cb) => a.catalog.getRegistry({}, cb));
    expect(answer.limits?.maxResultBytes).toBe(20 * MiB);
  });

  test("sends and gets what the registry allows, on one session with other calls", async () => {
    const end = await neighbour();
    expect(await client.invoke("big", "size", jsonOf(17 * MiB))).toBe(17 * MiB);
    expect((await client.invoke("big", "make", { bytes: 17 * MiB }, { raw: true })).bytes.length).toBe(17 * MiB);
    const sizes: number[] = [];
    const onDelta = (data: { bytes: Buffer }) => void sizes.push(data.bytes.length);
    expect(
      await client.invoke(
        "big",
        "say",
        { bytes: 5 * MiB },
        { onDelta: (data) => onDelta({ bytes: Buffer.from(JSON.stringify(data)) }) },
      ),
    ).toBe("said");
    expect(sizes).toEqual([5 * MiB]);
    expect(await end()).toBe("waited");
    expect(provider.state).toBe("serving");
  });

  test("fails a call that is over the limits, and no other", async () => {
    const end = await neighbour();
    for (const bytes of [20 * MiB + 1, 30 * MiB, 70 * MiB]) {
      await expect(client.invoke("big", "size", jsonOf(bytes))).rejects.toMatchObject({
        reason: "PAYLOAD_TOO_LARGE",
        executed: "no",
      });
      await expect(client.call("big", "size", jsonOf(bytes))).rejects.toMatchObject({ reason: "PAYLOAD_TOO_LARGE" });
      await expect(client.invoke("big", "make", { bytes })).rejects.toMatchObject({
        reason: "OUTPUT_TOO_LARGE",
        executed: "yes",
      });
    }
    expect(await end()).toBe("waited");
    expect(provider.state).toBe("serving");
  });
});

describe("a client whose channel takes gRPC's usual 4 MiB", () => {
  test("as an agent, is told of a result or output that does not fit, and its session goes on", async () => {
    const [a, b] = wires();
    const provider = await provide(a, [a, b], contractNamed("usual-agent"), { maxMessageBytes: LARGEST_MESSAGE_BYTES });
    const session = openAgentSession(b);
    session.send({
      calls: [1, 2, 3].map((ref) => ({ ref, call: specOf("usual-agent"), wantDeltas: ref === 2 })),
    });
    const [first, second, third] = await provider.given(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error("three were given");
    provider.stream.send({ results: [{ callId: first.callId, attempt: 1, resultJson: jsonOf(5 * MiB) }] });
    expect(await terminalOf(session, 1)).toMatchObject({
      kind: "TERMINAL_KIND_REJECTED",
      callId: first.callId,
      executed: "EXECUTED_YES",
      error: { reason: "MESSAGE_TOO_LARGE" },
    });
    provider.stream.send({ deltas: [{ callId: second.callId, attempt: 1, dataJson: jsonOf(5 * MiB) }] });
    expect(await terminalOf(session, 2)).toMatchObject({
      callId: second.callId,
      executed: "EXECUTED_UNKNOWN",
      error: { reason: "MESSAGE_TOO_LARGE" },
    });
    provider.finish(third, "small");
    expect(await terminalOf(session, 3)).toMatchObject({ kind: "TERMINAL_KIND_RESULT" });
    expect(session.over).toBe(false);

    const large = wireTo(b.address, { "grpc.max_receive_message_length": LARGEST_MESSAGE_BYTES });
    onTestFinished(() => large.close());
    const { terminal } = await ask<GetCallResponse__Output>((cb) =>
      large.gateway.getCall({ callId: first.callId }, cb),
    );
    expect(terminal?.resultJson.length).toBe(5 * MiB);
  });

  test("as a provider, is not given a call that does not fit, and its session goes on", async () => {
    const [a, b] = wires();
    const provider = await provide(a, [a, b], contractNamed("usual-provider"));
    const session = openAgentSession(b);
    const payloadJson = Buffer.from(`{"a":${jsonOf(5 * MiB)}}`);
    for (const [ref, tool] of ["echo", "again"].entries()) {
      session.send({ calls: [{ ref, call: specOf("usual-provider", tool, { payloadJson }) }] });
      expect(await terminalOf(session, ref)).toMatchObject({
        kind: "TERMINAL_KIND_NOT_EXECUTED",
        executed: "EXECUTED_NO",
        error: { reason: "MESSAGE_TOO_LARGE" },
      });
    }
    expect(provider.calls()).toEqual([]);
    session.send({ calls: [{ ref: 9, call: specOf("usual-provider", "echo", { payloadJson: json({}) }) }] });
    const [small] = await provider.given(1);
    if (small === undefined) throw new Error("one was given");
    provider.finish(small, 1);
    expect(await terminalOf(session, 9)).toMatchObject({ kind: "TERMINAL_KIND_RESULT" });
  });

  test("is refused when it says that its channel takes less than the frames of a session", async () => {
    const [a] = wires();
    const session = openAgentSession(a);
    session.send({ maxMessageBytes: 1_000 });
    expect((await session.ended)?.reason).toBe("INVALID_REQUEST");
  });
});
