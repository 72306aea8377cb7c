import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type CallWarning, connect } from "../../src/index.js";
import type { CallToolResponse__Output } from "../../src/protocol/generated/toolgate/v1/CallToolResponse.js";
import type { InvokeResponse__Output } from "../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { fromServiceError } from "../../src/protocol/status-details.js";
import { runToolgate } from "../cmd/run-toolgate.js";
import { ask } from "../front/grpc/ask.js";
import { expectNoLeaks } from "../support/leaks.js";
import { FAST } from "./fast.js";
import { contractNamed, openAgentSession, provide, specOf, type Wire, wiredCluster } from "./wire.js";

expectNoLeaks();

const { cluster, wires } = wiredCluster(FAST);
let a: Wire;
let b: Wire;
beforeAll(() => {
  [a, b] = wires();
});

describe("the deadline of a caller's own request", () => {
  test("comes after the call's, so that its id and whether it ran are told", async () => {
    await provide(a, [a, b], contractNamed("late")); // it answers nothing
    const told = await Promise.all(
      Array.from({ length: 5 }, () => {
        const deadline = Date.now() + 5_000;
        return new Promise<{ callId: string; executed: string }>((resolve) => {
          b.gateway.invoke({ call: specOf("late") }, { deadline }, (error, answer?: InvokeResponse__Output) => {
            const known = error === null ? undefined : fromServiceError(error);
            const { terminal } = answer ?? {};
            resolve({
              callId: terminal?.callId ?? known?.metadata.call_id ?? "",
              executed: terminal?.executed ?? known?.executed ?? "",
            });
          });
        });
      }),
    );
    for (const { callId, executed } of told) {
      expect(callId).not.toBe("");
      expect(executed).toMatch(/UNKNOWN/i);
      const { terminal } = await ask<{ terminal: { error: { reason: string } } | null }>((cb) =>
        a.gateway.getCall({ callId }, cb as never),
      );
      expect(terminal?.error.reason ?? "DEADLINE_EXCEEDED").toBe("DEADLINE_EXCEEDED");
    }
  });
});

describe("a time that is over what the tool or the registry allows", () => {
  const registrys = /600000 ms at most, less than was asked for: that is the registry's maximum/;
  const tools = /1500 ms at most, less than was asked for: that is the tool's own limit/;

  test("is cut, and the handle says so, also on a session that did not ask for it", async () => {
    const provider = await provide(a, [a, b], contractNamed("long"));
    const call = (tool: string, timeoutMs = 3_600_000) => specOf("long", tool, { timeoutMs });
    for (const [tool, warning] of [
      ["echo", registrys],
      ["brief", tools],
    ] as const) {
      const { handle } = await ask<CallToolResponse__Output>((cb) => b.gateway.callTool({ call: call(tool) }, cb));
      expect(handle?.warnings).toEqual([expect.stringMatching(warning)]);
    }
    const within = await ask<CallToolResponse__Output>((cb) => b.gateway.callTool({ call: call("echo", 600_000) }, cb));
    expect(within.handle?.warnings).toEqual([]);
    const session = openAgentSession(b);
    session.send({
      calls: [
        { ref: 1, call: call("echo") },
        { ref: 2, call: specOf("long") },
      ],
    });
    const given = await provider.given(5);
    for (const each of given) provider.finish(each, 1);
    await expect.poll(() => session.all(({ terminals }) => terminals).length).toBe(2);
    const accepted = session.all((frame) => frame.accepted);
    expect(accepted).toMatchObject([{ ref: 1, handle: { warnings: [expect.stringMatching(registrys)] } }]);
  });

  test("is a warning of the SDK and of the command line", async () => {
    const provider = await provide(a, [a, b], contractNamed("warned"));
    const warnings: CallWarning[] = [];
    const client = await connect(cluster().nodes, { onWarning: (warning) => warnings.push(warning) });
    onTestFinished(() => client.close());
    const invoked = client.invoke("warned", "echo", {}, { timeoutMs: 3_600_000 });
    const [first] = await provider.given(1);
    if (first !== undefined) provider.finish(first, 1);
    await invoked;
    const { callId, warnings: ofHandle } = await client.call("warned", "brief", {}, { timeoutMs: 3_600_000 });
    expect(ofHandle).toEqual([expect.stringMatching(tools)]);
    expect(warnings).toMatchObject([
      { toolset: "warned", tool: "echo", callId: first?.callId, message: expect.stringMatching(registrys) },
      { toolset: "warned", tool: "brief", callId, message: expect.stringMatching(tools) },
    ]);
    const args = ["call", "warned", "echo", "{}", "--timeout", "1h", "--detach", "--nodes", cluster().nodes];
    const { code, stderr } = await runToolgate(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(registrys) });
  });
});
