import { EventEmitter } from "node:events";
import { Metadata } from "@grpc/grpc-js";
import { afterEach, expect, test, vi } from "vitest";
import { type AnyServerCall, ServerCall, type ServerState } from "../../../src/front/grpc/server-call.js";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";

afterEach(() => void vi.restoreAllMocks());

const STATE = { log: SILENT_LOGGER, newId: () => "id" } as Pick<ServerState, "log" | "newId"> as ServerState; // all that is asked of it

/** A call that came with so much time, as grpc-js gives it: a date by the wall clock. */
class IncomingCall extends EventEmitter implements AnyServerCall {
  readonly metadata = new Metadata();
  readonly #deadline: Date;

  constructor(timeoutMs: number) {
    super();
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
