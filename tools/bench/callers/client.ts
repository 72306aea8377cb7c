import { credentials, Metadata } from "@grpc/grpc-js";
import type { GatewayClient } from "../../../src/protocol/generated/toolgate/v1/Gateway.js";
import { loadProtocol } from "../../../src/protocol/load.js";

/** A bare grpc-js client: nothing of the SDK's is measured with it. It has a connection of its own. */
export function gatewayClient(address: string): GatewayClient {
  const { Gateway } = loadProtocol();
  return new Gateway(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
  });
}

/** What goes with each call: the caller's credential, where there is one. */
export function callMetadata(key: string | undefined): Metadata {
  const metadata = new Metadata();
  if (key !== undefined) metadata.set("authorization", `Bearer ${key}`);
  return metadata;
}
