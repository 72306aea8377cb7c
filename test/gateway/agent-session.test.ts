import { expect, test } from "vitest";
import { deferred } from "../../src/async/deferred.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { AgentSession } from "../../src/gateway/agent-session.js";
import type { GatewayParts } from "../../src/gateway/gateway-parts.js";
import type { SessionRequest__Output } from "../../src/protocol/generated/toolgate/v1/SessionRequest.js";
import type { SessionResponse } from "../../src/protocol/generated/toolgate/v1/SessionResponse.js";
import { until } from "../support/until.js";

test("a session that is over ends its stream when a slow reader has been sent all of it", async () => {
  const room = deferred();
  const frames: SessionResponse[] = [];
  let ended = 0;
  const parts: Pick<GatewayParts, "enter"> = {
    enter: () => {
      throw new ToolgateError("LIMIT_EXCEEDED", "too many calls");
    },
  };
  const session = new AgentSession({
    parts: parts as GatewayParts, // a call that is refused at once needs no more
    principal: { tenant: "default", subject: "anonymous" },
    peer: "peer",
    sink: {
      send: (frame) => {
        frames.push(frame);
        return false;
      },
      drained: () => room.promise,
    },
    budgetBytes: 1_000_000,
    fail: () => {},
    end: () => ended++,
  });
  session.onFrame({ calls: [{ ref: 1, call: null }], cancels: [] } as unknown as SessionRequest__Output); // as it is decoded
  session.goAway();
  expect(frames).toMatchObject([{ terminals: [{ ref: 1 }] }]);
  expect(ended, "ended while a frame waits").toBe(0);
  room.resolve();
  await until("the stream has ended", () => ended === 1);
  expect(frames).toMatchObject([{}, { goAway: true }]);
});
