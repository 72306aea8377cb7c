import { credentials } from "@grpc/grpc-js";
import { loadProtocol } from "../../../src/protocol/load.js";

/** The plain proxy's provider: it answers each call with its payload, one frame per call. Argument: the proxy's address. */

const [address = ""] = process.argv.slice(2);
const { Registry } = loadProtocol();
const stream = new Registry(address, credentials.createInsecure()).Attach();
stream.on("error", (error: Error) => {
  console.error(error.message);
  process.exit(1);
});
stream.on("data", ({ calls }) => {
  for (const { callId, payloadJson, attempt } of calls)
    stream.write({ results: [{ callId, attempt, resultJson: payloadJson, outcome: "resultJson" }] });
});
stream.on("metadata", () => {});
stream.write({});
console.log(JSON.stringify({ event: "serving" }));
