import { describe, expect, test } from "vitest";
import { loadProtocol } from "../../src/protocol/load.js";

describe("loadProtocol", () => {
  test("is read once", () => {
    expect(loadProtocol()).toBe(loadProtocol());
  });

  test("has the three services with their methods", () => {
    const { Registry, Catalog, Gateway } = loadProtocol();
    expect(Object.keys(Registry.service)).toEqual([
      "Register",
      "Attach",
      "Pong",
      "Renew",
      "Drain",
      "Release",
      "Unregister",
      "Promote",
    ]);
    expect(Object.keys(Catalog.service)).toEqual(["ListToolsets", "GetToolset", "Search", "Watch"]);
    expect(Object.keys(Gateway.service)).toEqual([
      "CallTool",
      "Invoke",
      "FollowCall",
      "GetCall",
      "CancelCall",
      "Session",
    ]);
  });

  test("gives numbers, enum names, Buffers and defaults", () => {
    const { Gateway } = loadProtocol();
    const { responseSerialize, responseDeserialize } = Gateway.service.GetCall;
    const answer = responseDeserialize(
      responseSerialize({
        handle: { callId: "c", epoch: 2 ** 52 },
        terminal: { kind: "TERMINAL_KIND_RESULT", resultJson: "e30=" },
      }),
    );
    expect(answer.handle).toMatchObject({ callId: "c", epoch: 2 ** 52, toolset: "" });
    expect(answer.state).toBe("CALL_STATE_UNSPECIFIED");
    expect(answer.terminal?.kind).toBe("TERMINAL_KIND_RESULT");
    expect(answer.terminal?.resultJson).toEqual(Buffer.from("{}"));
    expect(answer.terminal?.error).toBeNull();
  });

  test("encodes error details", () => {
    const { rpc } = loadProtocol();
    const bytes = rpc.ErrorInfo.serialize({ reason: "INTERNAL", domain: "toolgate", metadata: { executed: "no" } });
    expect(rpc.ErrorInfo.deserialize(bytes)).toEqual({
      reason: "INTERNAL",
      domain: "toolgate",
      metadata: { executed: "no" },
    });
  });
});
