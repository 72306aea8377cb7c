import { expect, test } from "vitest";
import type { DuplexStream } from "../../../src/front/services/duplex-stream.js";
import { type RegistryServiceParts, registryMethods } from "../../../src/front/services/registry-service.js";
import { ANONYMOUS } from "../../../src/identity/principal.js";
import type { AttachRequest__Output } from "../../../src/protocol/generated/toolgate/v1/AttachRequest.js";
import type { AttachResponse } from "../../../src/protocol/generated/toolgate/v1/AttachResponse.js";
import { AdmissionPacing, type AdmissionRequest } from "../../../src/providers/admission-pacing.js";
import { expectNoLeaks } from "../../support/leaks.js";

expectNoLeaks();

const BYTES = 100_000;
const DELTA = { callId: "", attempt: 1, dataJson: Buffer.alloc(BYTES) };

test.each([
  ["names calls in hand", { hello: { inHand: Array(BYTES / 50).fill({ callId: "", attempt: 1 }) } }],
  ["brings output", { deltas: [DELTA] }],
  ["brings a result", { results: [{ resultJson: Buffer.alloc(BYTES) }] }],
  ["has a long word", { pongs: [{ nonce: "x".repeat(BYTES) }] }],
])("what a first frame holds while it waits to be let in is counted: one that %s", (_, frame) => {
  const asked: AdmissionRequest[] = [];
  class Watched extends AdmissionPacing {
    override run<T>(one: AdmissionRequest): Promise<T> {
      asked.push(one);
      return new Promise(() => {}); // it waits
    }
  }
  const pacing = new Watched({
    ...{ maxUnderWay: 1, maxWaiting: 1, maxWaitingBytes: 1, maxWaitMs: { register: 1, attach: 1 } },
    ...{ monotonicMs: () => 0, random: () => 0, busyShare: () => 0 },
  });
  let arrive: (frame: AttachRequest__Output) => void = () => {};
  const stream = {
    ...{ principal: ANONYMOUS, peer: "127.0.0.1:1", pause: () => {}, onOver: () => {} },
    onFrame: (handler: typeof arrive) => {
      arrive = handler;
    },
  } as unknown as DuplexStream<AttachRequest__Output, AttachResponse>; // what is used of it until it is let in
  registryMethods({ pacing, heartbeatMs: 1_000 } as unknown as RegistryServiceParts).Attach.handler(stream);
  arrive({ hello: null, deltas: [], results: [], pongs: [], ...frame } as unknown as AttachRequest__Output);
  expect(asked).toMatchObject([{ arrival: "attach", client: "127.0.0.1:1" }]);
  expect(asked[0]?.bytes).toBeGreaterThan(BYTES);
  expect(asked[0]?.bytes).toBeLessThan(3 * BYTES);
});
