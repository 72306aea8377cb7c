import { credentials } from "@grpc/grpc-js";
import type { AttachResponse__Output } from "../../../src/protocol/generated/toolgate/v1/AttachResponse.js";
import { loadProtocol } from "../../../src/protocol/load.js";

/** A bare provider on a stream: it answers each call with its payload, each frame with one frame. Argument: where to attach. */

const [address = ""] = process.argv.slice(2);
const { Registry } = loadProtocol();
const stream = new Registry(address, credentials.createInsecure()).Attach();
stream.on("error", (error: Error) => {
  console.error(error.message);
  process.exit(1);
});
stream.on("data", ({ calls }: AttachResponse__Output) => {
  stream.write({
    results: calls.map(({ callId, payloadJson, attempt }) => ({
      callId,
      attempt,
      resultJson: payloadJson,
      outcome: "resultJson",
    })),
  });
});
stream.on("metadata", () => {});
stream.write({});
console.log(JSON.stringify({ event: "serving" }));
