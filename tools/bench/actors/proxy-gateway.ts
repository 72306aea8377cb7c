import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { GatewayHandlers } from "../../../src/protocol/generated/toolgate/v1/Gateway.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { gatewayClient } from "../callers/client.js";
import { listen } from "./listen.js";

/**
 * The plain proxy, as one is usually written: for each unary call that comes in it makes one at the provider, over a client with
 * one channel, and hands on the answer. Its messages are typed, since a proxy that routes by a field reads the message. It passes on no
 * metadata, deadline or cancellation; nothing is checked, kept or retried. Argument: the provider's address.
 */

const [address = ""] = process.argv.slice(2);
const provider = gatewayClient(address);
const implementation: Pick<GatewayHandlers, "Invoke"> = {
  Invoke: ({ request }, answer) => provider.Invoke(request, answer),
};
const server = new Server();
server.addService(loadProtocol().Gateway.service, { ...implementation });
await listen(server, ServerCredentials.createInsecure());
