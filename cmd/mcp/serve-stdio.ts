import { once } from "node:events";
import { Agent } from "undici";
import { environment } from "../../src/config/environment.js";
import { HTTP_AUTO, HTTP_AUTO_ADDRESS } from "../../src/config/http-listen.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { LineSplitter } from "../../src/hosting/line-splitter.js";
import type { ConnectionTarget } from "../contexts/connection-target.js";
import { keyForListener, placeOf, reachable } from "../contexts/listener.js";
import { StdioBridge } from "./stdio-bridge.js";

/** The longest line of a client, in bytes: what a node takes of a request at most. */
const MAX_LINE_BYTES = 8 * 1_048_576;

/**
 * Serves MCP on stdin and stdout until stdin ends.
 *
 * @param target how the nodes are reached: their credential is HTTP's too
 * @param given as --http has it; what the settings of the node that runs here say when absent
 * @param path the address of MCP there
 * @throws ToolgateError INVALID_CONFIG where the node's HTTP is nowhere, or the credential would go to another machine in clear
 */
export async function serveStdio(
  target: ConnectionTarget,
  given: string = ownAddress(),
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const address = reachable(given);
  if (address === undefined) {
    throw new ToolgateError(
      "INVALID_CONFIG",
      `Where the node's HTTP is, is not known from ${JSON.stringify(given.slice(0, 80))}. Name it: --http host:port, or https://host:port`,
    );
  }
  const { hostPort, isTls } = placeOf(address);
  const { tls } = target.options;
  const dispatcher = new Agent({
    connections: null, // each stream has one
    ...(tls?.ca === undefined ? {} : { connect: { ca: Buffer.from(tls.ca) } }),
  });
  const bridge = new StdioBridge({
    url: `${isTls ? "https" : "http"}://${hostPort}${path}`,
    key: await keyForListener(target, hostPort, isTls),
    dispatcher,
    async write(line) {
      if (!process.stdout.write(line)) await once(process.stdout, "drain", { signal });
    },
  });
  const lines = new LineSplitter(MAX_LINE_BYTES, {
    line: (line) => bridge.take(line),
    oversized: (head, tail, bytes) => bridge.refuse(head, tail, bytes),
  });
  process.stdin.on("data", (chunk: Buffer) => lines.push(chunk));
  const ended = once(process.stdin, "end", { signal }).catch(() => {}); // the client has closed it, or Ctrl-C was pressed
  await ended;
  lines.end();
  await bridge.stop();
  await dispatcher.destroy();
  signal.throwIfAborted();
}

function ownAddress(): string {
  const { TOOLGATE_HTTP_LISTEN: listen = "" } = environment();
  return listen === "" || listen === HTTP_AUTO ? HTTP_AUTO_ADDRESS : listen;
}
