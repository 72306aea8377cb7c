import { Server, ServerCredentials } from "@grpc/grpc-js";
import { Redis } from "ioredis";
import type { AttachRequest__Output } from "../../../src/protocol/generated/toolgate/v1/AttachRequest.js";
import type { GatewayHandlers } from "../../../src/protocol/generated/toolgate/v1/Gateway.js";
import type { RegistryHandlers } from "../../../src/protocol/generated/toolgate/v1/Registry.js";
import type { SessionRequest__Output } from "../../../src/protocol/generated/toolgate/v1/SessionRequest.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { listen } from "./listen.js";

/**
 * The floor under a session: what its hops alone cost with grpc-js and ioredis. Each frame of calls goes to Redis, through a
 * script that does nothing, and then to the provider in one frame; each frame of results comes back the same way. Nothing is
 * checked, kept or retried. Argument: Redis as `host:port`.
 */

const [address = ""] = process.argv.slice(2);
const [host = "", port = ""] = address.split(":");
const redis = new Redis({ host, port: Number(port) });
const EMPTY = Buffer.alloc(0);
const script = String(await redis.script("LOAD", "return #ARGV"));

/** Takes a frame's JSON to Redis, as a gateway that keeps it must, and waits for the answer. */
async function throughRedis(json: readonly Buffer[]): Promise<void> {
  await redis.evalsha(script, 0, ...json);
}

type Session = Parameters<GatewayHandlers["Session"]>[0];
type Provider = Parameters<RegistryHandlers["Attach"]>[0];

const sessions: Session[] = [];
let provider: Provider | undefined;

const gatewayHandlers: Pick<GatewayHandlers, "Session"> = {
  Session(session) {
    const number = sessions.push(session) - 1;
    session.on("data", async (frame: SessionRequest__Output) => {
      const calls = frame.calls.map(({ ref, call }) => ({
        callId: `${number} ${ref}`, // so nothing has to be kept until the result comes
        tool: call?.tool ?? "",
        payloadJson: call?.payloadJson ?? EMPTY,
        attempt: 1,
      }));
      await throughRedis(calls.map(({ payloadJson }) => payloadJson));
      provider?.write({ calls });
    });
    session.on("end", () => session.end());
    session.on("error", () => {});
  },
};

const registryHandlers: Pick<RegistryHandlers, "Attach"> = {
  Attach(attached) {
    provider = attached;
    attached.on("data", async ({ results }: AttachRequest__Output) => {
      const [first] = results;
      if (first === undefined) return; // the stream's first frame
      await throughRedis(results.map(({ resultJson }) => resultJson ?? EMPTY));
      // The provider answers each frame with one, so all of it is one session's.
      sessions[Number.parseInt(first.callId, 10)]?.write({
        terminals: results.map(({ callId, resultJson }) => ({
          ref: Number(callId.split(" ")[1]),
          terminal: {
            callId,
            kind: "TERMINAL_KIND_RESULT",
            resultJson: resultJson ?? EMPTY,
            executed: "EXECUTED_YES",
            attempt: 1,
          },
        })),
      });
    });
    attached.on("end", () => attached.end());
    attached.on("error", () => {});
  },
};

const { Gateway, Registry } = loadProtocol();
const server = new Server();
server.addService(Gateway.service, { ...gatewayHandlers });
server.addService(Registry.service, { ...registryHandlers });
await listen(server, ServerCredentials.createInsecure());
