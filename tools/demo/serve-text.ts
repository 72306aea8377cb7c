import { parseClientConfig } from "../../src/config/client-config.js";
import { environment } from "../../src/config/environment.js";
import { serveToolset } from "../../src/index.js";
import { TEXT_TOOLSET } from "./text-toolset.js";

/** Serves the demonstration's toolset until it is told to stop: a whole provider, as one writes it with the SDK. */

const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());
process.once("SIGINT", () => stopping.abort());

const { nodes } = parseClientConfig({ env: environment() });
const provider = await serveToolset(TEXT_TOOLSET, {
  nodes,
  // A later start takes the place of this one at once.
  providerId: "demo-text",
  signal: stopping.signal,
});
console.log(JSON.stringify({ event: "serving", toolset: provider.name, epoch: provider.epoch }));

const reason = await provider.closed;
if (reason.kind === "failed") {
  console.error(reason.error.message);
  process.exitCode = 1;
}
