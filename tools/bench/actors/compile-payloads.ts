import { credentials } from "@grpc/grpc-js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { toolName, toolsetName } from "./register-toolsets.js";

/** Calls the first tool of each toolset, which has no provider: all that it does is to have its schemas compiled. */
export interface CompileCommand {
  readonly kind: "compile";
  readonly address: string;
  readonly from: number;
  readonly to: number;
}

/** Resolves when all have been refused. */
export async function compile({ address, from, to }: CompileCommand): Promise<null> {
  const { Gateway } = loadProtocol();
  const client = new Gateway(address, credentials.createInsecure());
  try {
    for (let index = from; index < to; index += 1) {
      const call = { toolset: toolsetName(index), tool: toolName(index, 0), payloadJson: Buffer.from("{}") };
      const error = await new Promise<Error | null>((resolve) => {
        client.CallTool({ call }, (refusal) => resolve(refusal));
      });
      if (!error?.message.includes("healthy")) throw error ?? new Error("a toolset without providers took a call");
    }
  } finally {
    client.close();
  }
  return null;
}
