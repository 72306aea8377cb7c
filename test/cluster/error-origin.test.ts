import { beforeAll, expect, test } from "vitest";
import { failureOf, failureText } from "../../cmd/output/failure.js";
import { painter } from "../../cmd/output/paint.js";
import { connect, ToolCallError } from "../../src/index.js";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import { ask } from "../front/grpc/ask.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";
import { contractNamed, openAgentSession, provide, specOf, terminalOf, type Wire, wiredCluster } from "./wire.js";

expectNoLeaks();

const { wires } = wiredCluster(STEADY);
let a: Wire;
let b: Wire;
beforeAll(() => {
  [a, b] = wires();
});

test("a tool's own error under a word of the gateway's is the tool's, for each reader the same", async () => {
  const { stream, given } = await provide(a, [a, b], contractNamed("wordy"));
  const session = openAgentSession(b);
  session.send({ calls: [{ ref: 1, call: specOf("wordy", "echo"), wantHandle: true }] });
  const [call] = await given(1);
  if (call === undefined) throw new Error("no call came");
  const { callId, attempt } = call;
  stream.send({ results: [{ callId, attempt, error: { reason: "INVALID_PAYLOAD", message: "I do not like it" } }] });
  const terminal = await terminalOf(session, 1);
  expect(terminal).toMatchObject({
    kind: "TERMINAL_KIND_TOOL_ERROR",
    executed: "EXECUTED_YES",
    error: { reason: "INVALID_PAYLOAD", origin: "ERROR_ORIGIN_TOOL" },
  });
  const read = await ask<GetCallResponse__Output>((cb) => b.gateway.getCall({ callId }, cb));
  expect(read.terminal?.error).toEqual(terminal.error);
});

test("the client and the command line tell by its origin what a reason means", async () => {
  const { stream, given } = await provide(a, [a], contractNamed("client"));
  const client = await connect(a.address);
  try {
    const calling = client.invoke("client", "echo", {}).catch((error: unknown) => error);
    const [call] = await given(1);
    if (call === undefined) throw new Error("no call came");
    const { callId, attempt } = call;
    stream.send({ results: [{ callId, attempt, error: { reason: "UNKNOWN_TOOL", message: "which hammer?" } }] });
    const own = await calling;
    expect(own).toBeInstanceOf(ToolCallError);
    expect(own).toMatchObject({ reason: "UNKNOWN_TOOL", origin: "tool", executed: "yes" });
    const failure = failureOf(own);
    expect(failure).toMatchObject({ exitCode: 6, origin: "tool", executed: "yes" });
    expect(failure.remedy).toBeUndefined();
    const text = failureText(failure, painter(false));
    expect(text).toContain("the tool ran");
    expect(text).not.toContain("near names");
    const strict = client
      .invoke("client", "strict", Object.fromEntries([..."abcdefghi"].map((letter) => [letter, 1])))
      .catch((error: unknown) => error);
    const next = (await given(2))[1];
    if (next === undefined) throw new Error("no call came");
    stream.send({ results: [{ callId: next.callId, attempt: next.attempt, resultJson: Buffer.from('"no number"') }] });
    expect(await strict).toMatchObject({ reason: "INVALID_RESULT", origin: "gateway", executed: "yes" });
    expect(failureOf(await strict).remedy).toContain("provider");
  } finally {
    await client.close();
  }
  await until("both are settled", () => stream.all(({ settled }) => settled).length === 2);
});
