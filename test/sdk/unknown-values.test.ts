import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect, type Toolgate } from "../../src/index.js";
import { runToolgate } from "../cmd/run-toolgate.js";
import { expectNoLeaks } from "../support/leaks.js";
import { ScriptedNode } from "./scripted-gateway.js";

/*
 * A node of a later version may use enumeration values that this client does not know. It does the nearest safe thing with them: an
 * epoch in an unknown state is not callable, a call in one has not ended, an end of an unknown kind leaves the outcome unknown.
 */

expectNoLeaks();

const LATER = 99 as never; // no value of any enumeration

let node: ScriptedNode;
let client: Toolgate;

beforeEach(async () => {
  node = await ScriptedNode.start();
  client = await connect(node.address);
  const health = { healthy: true, lastPongMs: 1_000, room: 16, liveUntilMs: 2_000 };
  const epochs = [{ epoch: 5, digest: "d", version: "1.0.0", state: LATER, registeredAtMs: 10, health }];
  node.script("listToolsets", () => ({ toolsets: [{ name: "math", version: "1.0.0", toolCount: 1, epochs }] }));
  const error = { reason: "TOO_EARLY", origin: LATER, message: "It comes later." };
  const terminal = { callId: "c", kind: LATER, executed: LATER, attempt: 1, endedAtMs: 7, error };
  const handle = { callId: "c", toolset: "math", tool: "sum", epoch: 5, deadlineMs: 5 };
  node.script("getCall", () => ({ handle, state: LATER, attempt: 1 }));
  node.script("cancelCall", () => ({ state: "CALL_STATE_ENDED", terminal }));
  node.script("listCalls", () => ({ calls: [{ handle, state: LATER, attempt: 1, queuedAtMs: 3 }] }));
});

afterEach(async () => {
  await client.close();
  node.kill();
});

describe("a value that only later versions know", () => {
  test("of an epoch's state leaves it uncalled, and lists it", async () => {
    const toolsets = [];
    for await (const toolset of client.list()) toolsets.push(toolset);
    expect(toolsets).toMatchObject([{ name: "math", healthy: false, epochs: [{ epoch: 5, state: "candidate" }] }]);
  });

  test("of a call's state says that it has not ended", async () => {
    expect(await client.getCall("c")).toMatchObject({ callId: "c", state: "claimed" });
  });

  test("of an end leaves its outcome unknown, and keeps the words of it", async () => {
    expect(await client.cancel("c")).toMatchObject({
      state: "ended",
      terminal: {
        kind: "outcome_unknown",
        executed: "unknown",
        reason: "TOO_EARLY",
        message: "It comes later.",
        attempt: 1,
      },
    });
  });

  test.each([
    ["list", ["list"], /math/],
    ["calls list", ["calls", "list"], /\bc\b/],
    ["calls get", ["calls", "get", "c"], /\bc\b/],
    ["calls cancel", ["calls", "cancel", "c"], /TOO_EARLY|outcome_unknown/],
  ])("toolgate %s shows what there is", async (_, args, shown) => {
    const { stdout, stderr } = await runToolgate([...args, "--nodes", node.address]);
    expect(stdout + stderr).toMatch(shown);
    expect(stdout + stderr).not.toMatch(/undefined|TypeError|NaN/);
  });
});
