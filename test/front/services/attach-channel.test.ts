import { expect, test } from "vitest";
import { AttachChannel } from "../../../src/front/services/attach-channel.js";
import { randomCallId } from "../../../src/identity/call-id.js";
import { parseEpoch, parseNodeId } from "../../../src/identity/names.js";
import type {
  AttachResponse,
  AttachResponse__Output,
} from "../../../src/protocol/generated/toolgate/v1/AttachResponse.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import type { CancelCause, GoAwayCause } from "../../../src/providers/provider-channel.js";
import type { TakenCall } from "../../../src/store/calls/take.js";
import type { EpochState } from "../../../src/store/registry/toolset-record.js";

const { responseSerialize, responseDeserialize } = loadProtocol().Registry.service.Attach;
const ID = randomCallId(0, (size) => Buffer.alloc(size, 1));

/** A channel to a provider that reads as far as it is let. */
function scene(maxMessageBytes = 4_194_304) {
  const seen = {
    frames: [] as AttachResponse__Output[],
    ends: [] as unknown[],
    rooms: 0,
    overflows: 0,
    reads: true,
    drain: () => {},
  };
  const stream = {
    send: (frame: AttachResponse) => {
      seen.frames.push(responseDeserialize(responseSerialize(frame)));
      return seen.reads;
    },
    drained: () =>
      new Promise<void>((resolve) => {
        seen.drain = resolve;
      }),
    pause: () => {},
    resume: () => {},
  };
  const end = (error?: unknown) => seen.ends.push(error);
  const events = { onRoom: () => seen.rooms++, onOverflow: () => seen.overflows++ };
  return { seen, channel: new AttachChannel({ stream, maxMessageBytes, limits: {}, end }, events) };
}

const callOf = (bytes: number, meta = ""): TakenCall => ({
  id: ID,
  tool: "sum",
  payload: Buffer.alloc(bytes, "x"),
  meta,
  attempt: 2,
  deadlineMs: 1_000,
  remainingMs: 500,
  stop: undefined,
  head: "",
});

/** When what was pushed at once has been sent. */
const sent = () => new Promise((resolve) => setImmediate(resolve));

test.each<[CancelCause, string]>([
  ["CANCELLED", "CANCEL_REASON_CANCELLED"],
  ["DEADLINE_EXCEEDED", "CANCEL_REASON_DEADLINE"],
  ["FENCED", "CANCEL_REASON_FENCED"],
  ["OUTPUT_LIMIT", "CANCEL_REASON_OUTPUT_LIMIT"],
])("a call that is to stop for %s arrives as such", async (cause, reason) => {
  const { seen, channel } = scene();
  channel.cancel(ID, 2, cause);
  await sent();
  expect(seen.frames[0]?.cancels).toEqual([{ callId: ID, attempt: 2, reason }]);
});

test.each<[GoAwayCause, string]>([
  ["lost", "GO_AWAY_REASON_LEASE_LOST"],
  ["replaced", "GO_AWAY_REASON_REPLACED"],
  ["gone", "GO_AWAY_REASON_RETIRED"],
  ["unregistered", "GO_AWAY_REASON_UNREGISTERED"],
  ["draining", "GO_AWAY_REASON_NODE_DRAINING"],
])("a provider that is to go, %s, hears why", (cause, reason) => {
  const { seen, channel } = scene();
  channel.goAway(cause, 700);
  expect(seen.frames[0]?.goAway).toEqual({ reason, graceMs: 700 });
});

test.each<[EpochState, string]>([
  ["candidate", "EPOCH_STATE_CANDIDATE"],
  ["active", "EPOCH_STATE_ACTIVE"],
  ["retiring", "EPOCH_STATE_RETIRING"],
  ["unknown", "EPOCH_STATE_UNSPECIFIED"],
])("the welcome to an epoch that is %s says so, and which calls are not the provider's any more", (state, word) => {
  const { seen, channel } = scene();
  const fenced = [{ id: ID, attempt: 1 }];
  channel.welcome({ node: parseNodeId("node-a", "node"), state, fenced, heartbeatMs: 500 });
  expect(seen.frames[0]?.welcome).toMatchObject({
    nodeId: "node-a",
    state: word,
    fenced: [{ callId: ID, attempt: 1 }],
    heartbeatMs: 500,
  });
});

test("messages that are produced at once share a frame, in order", async () => {
  const { seen, channel } = scene();
  expect([callOf(10, '{"runId":"r"}'), callOf(20)].map((call) => channel.deliver(call))).toEqual([true, true]);
  channel.ping("tick");
  await sent();
  expect(seen.frames).toHaveLength(1);
  const [frame] = seen.frames;
  expect(frame?.pings).toEqual([{ nonce: "tick" }]);
  expect(frame?.calls.map(({ payloadJson }) => payloadJson.length)).toEqual([10, 20]);
  expect(frame?.calls[0]).toMatchObject({ callId: ID, tool: "sum", attempt: 2, timeoutMs: 500, meta: { runId: "r" } });
  expect(frame?.calls[1]?.meta).toBeNull();
});

test("a call that is larger than what the provider's channel takes is not sent", async () => {
  const { seen, channel } = scene(1_048_576);
  expect(channel.deliver(callOf(1_048_576))).toBe(false);
  expect(channel.deliver(callOf(524_288))).toBe(true);
  await sent();
  expect(seen.frames.flatMap(({ calls }) => calls)).toHaveLength(1);
});

test("calls that a slow provider has not read saturate its channel, and never end it", async () => {
  const { seen, channel } = scene();
  seen.reads = false;
  for (let index = 0; index < 20; index++) channel.deliver(callOf(1_048_576));
  await sent();
  expect(channel.saturated).toBe(true);
  expect(seen).toMatchObject({ rooms: 0, overflows: 0 });
  seen.reads = true;
  seen.drain();
  await sent();
  expect(channel.saturated).toBe(false);
  expect(seen.rooms).toBe(1);
  expect(seen.frames.flatMap(({ calls }) => calls)).toHaveLength(20);
});

test("what else waits for a provider that does not read has an end", async () => {
  const { seen, channel } = scene();
  seen.reads = false;
  for (let index = 0; index < 200_000; index++) channel.ping("tick");
  await sent();
  expect(seen.overflows).toBe(1);
});

test("a channel that closes sends what waits first, and then says why it ends", async () => {
  const { seen, channel } = scene();
  const why = new Error("the node stops");
  channel.settled(ID, 2, true);
  channel.close(why);
  expect(seen.frames.flatMap(({ settled }) => settled)).toEqual([{ callId: ID, attempt: 2, accepted: true }]);
  expect(seen.ends).toEqual([why]);
  channel.superseded(parseEpoch(3, "epoch"), "2.0.0");
  await sent();
  expect(seen.frames).toHaveLength(1);
});
