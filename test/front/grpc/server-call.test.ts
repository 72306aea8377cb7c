import { EventEmitter } from "node:events";
import { Metadata } from "@grpc/grpc-js";
import { afterEach, expect, test, vi } from "vitest";
import type { RpcRule } from "../../../src/access/rpc-rules.js";
import { CallCredentials } from "../../../src/front/grpc/call-credentials.js";
import { type AnyServerCall, ServerCall, type ServerState } from "../../../src/front/grpc/server-call.js";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import { ScriptedAccess } from "../../access/scripted-access.js";

afterEach(() => void vi.restoreAllMocks());

const STATE = { log: SILENT_LOGGER, newId: () => "id" } as Pick<ServerState, "log" | "newId"> as ServerState; // all that is asked of it

/** A call that came with so much time, as grpc-js gives it: a date by the wall clock. */
class IncomingCall extends EventEmitter implements AnyServerCall {
  readonly metadata = new Metadata();
  readonly #deadline: Date;

  constructor(timeoutMs: number, ...authorization: string[]) {
    super();
    for (const value of authorization) this.metadata.add("authorization", value);
    this.#deadline = new Date(Date.now() + timeoutMs);
  }

  getPeer = () => "127.0.0.1:1";
  getPath = () => "/toolgate.v1.Gateway/Invoke";
  getDeadline = () => this.#deadline;
}

/** The wall clock is off by so much from now on. */
function stepClock(byMs: number): void {
  const { now } = Date;
  vi.spyOn(Date, "now").mockImplementation(() => now() + byMs);
}

test("a caller that goes has gone, although the clock was set ahead past its deadline", () => {
  const call = new IncomingCall(60_000);
  const context = new ServerCall(call, STATE);
  stepClock(3_600_000);
  expect(context.deadlineMs).toBeGreaterThan(50_000);
  call.emit("cancelled");
  expect(context.abandoned?.reason).toBe("CANCELLED");
});

test("a deadline that passes has passed, although the clock was set back", () => {
  const call = new IncomingCall(0);
  const context = new ServerCall(call, STATE);
  stepClock(-3_600_000);
  expect(context.deadlineMs).toBe(0);
  call.emit("cancelled");
  expect(context.abandoned?.reason).toBe("DEADLINE_EXCEEDED");
});

const READER = new CallCredentials({ certificateOf: () => undefined, inClear: false, log: SILENT_LOGGER });
const CALLING: RpcRule = { needs: "call", on: "tool", recheck: "identity" };
const WATCHING: RpcRule = { needs: "discover", on: "toolset", recheck: "view" };

function serverCall(access: ScriptedAccess, ...authorization: string[]): ServerCall {
  return new ServerCall(new IncomingCall(60_000, ...authorization), {
    ...STATE,
    access,
    credentialsOf: (call) => READER.of(call, {} as never), // no connection
  });
}

test("a caller is who its credential says, and may do what holds now", () => {
  const access = new ScriptedAccess("ada");
  const call = serverCall(access, "Bearer ada");
  expect(call.admit(CALLING)).toBeUndefined();
  expect(call.identity).toMatchObject({ principal: { id: "ada" }, credential: "key/ada" });
  expect(call.access.view).toBe("all");
  access.known.set("ada", "some");
  expect(call.access.view).toBe("some");
});

test("no caller is known before it was admitted", () => {
  expect(() => serverCall(new ScriptedAccess("ada"), "Bearer ada").access).toThrow(/before its caller is known/);
});

test.each([
  ["none", []],
  ["an unknown one", ["Bearer eve"]],
  ["two of them, the first a good one", ["Bearer ada", "Bearer eve"]],
  ["one at which authentication fails", ["Bearer broken"]],
] as const)("a call is refused with a credential such as this: %s", async (_, authorization) => {
  const access = new ScriptedAccess("ada");
  const admit = async () => serverCall(access, ...authorization).admit(CALLING);
  await expect(admit()).rejects.toMatchObject({
    reason: "UNAUTHENTICATED",
    message: expect.not.stringContaining("hunter2"),
  });
  access.delay = async () => {};
  await expect(admit()).rejects.toMatchObject({
    reason: "UNAUTHENTICATED",
    message: expect.not.stringContaining("hunter2"),
  });
});

test("what anybody may ask asks for nothing, and its caller may do nothing", () => {
  const access = new ScriptedAccess();
  const call = serverCall(access, "Bearer eve");
  call.admit({ needs: "nothing" });
  expect(access.asked).toEqual([]);
  expect(call.identity.principal).toMatchObject({ id: "nobody", roles: [] });
});

test("an authentication that takes too long is a refusal", async () => {
  vi.useFakeTimers();
  try {
    const access = new ScriptedAccess("ada");
    access.delay = () => new Promise(() => {});
    const admitted = expect(serverCall(access, "Bearer ada").admit(CALLING)).rejects.toMatchObject({
      reason: "UNAUTHENTICATED",
    });
    await vi.advanceTimersByTimeAsync(10_000);
    await admitted;
  } finally {
    vi.useRealTimers();
  }
});

test("a stream of what its caller may see ends when that is something else, and no other one does", () => {
  const access = new ScriptedAccess("ada");
  const [watch, other] = [serverCall(access, "Bearer ada"), serverCall(access, "Bearer ada")];
  watch.admit(WATCHING);
  other.admit(CALLING);
  expect(watch.recheck()).toBeUndefined();
  access.known.set("ada", "some");
  expect(watch.recheck()?.reason).toBe("ACCESS_CHANGED");
  expect(other.recheck()).toBeUndefined();
  access.known.delete("ada");
  expect(other.recheck()?.reason).toBe("UNAUTHENTICATED");
});
